import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const obsidian = fileURLToPath(new URL("test/shim/obsidian.ts", import.meta.url));

export default defineConfig({
  test: {
    projects: [
      {
        resolve: { alias: { obsidian } },
        test: {
          name: "unit", environment: "jsdom", isolate: false, pool: "threads", include: ["test/unit/**/*.test.ts"], setupFiles: ["test/unit/setup.ts"],
        },
      },
      {
        test: { name: "screenshots", environment: "node", include: ["test/e2e/screenshots.ts"] },
      },
      {
        test: {
          name: "e2e", environment: "node", include: ["test/e2e/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 120_000,
          pool: "forks", poolOptions: { forks: { singleFork: true } },
        },
      },
    ],
  },
});
