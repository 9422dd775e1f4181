import { installDom } from "../shim/dom";

installDom(window as unknown as Window & typeof globalThis);
