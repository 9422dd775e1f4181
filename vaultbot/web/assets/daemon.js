// @ts-check
/** The way to the daemon. Every error is for a person, with the next step in it. */

/** Nobody answers. */
export class Offline extends Error {}

/** The token is not, or no more, the right one. */
export class Locked extends Error {}

/** The daemon answered that it cannot do that. */
export class Problem extends Error {
  /** @param {string} message @param {number} status @param {string} slug */
  constructor(message, status, slug) {
    super(message);
    this.status = status;
    this.slug = slug;
  }
}

export class Daemon {
  /** @type {string} */
  #token;
  /** Called whenever the daemon does not take the token. */
  onLocked = () => {};

  /** @param {string} token */
  constructor(token) {
    this.#token = token;
  }

  /**
   * @template T
   * @param {string} path
   * @param {Record<string, string | number>} [params]
   * @param {AbortSignal} [signal]
   * @returns {Promise<T>}
   */
  async get(path, params = {}, signal) {
    const query = new URLSearchParams(Object.entries(params).map(([name, value]) => [name, String(value)])).toString();
    const response = await this.#request(query === "" ? path : `${path}?${query}`, { signal: signal ?? null });
    return json(response);
  }

  /** @template T @param {string} path @param {object} body @returns {Promise<T>} */
  async post(path, body) {
    return json(await this.#request(path, { method: "POST", body: JSON.stringify(body) }));
  }

  /**
   * The events of a stream, as they come. Leaving the loop hangs up, and with it ends the work for the answer.
   * @param {string} path @param {object | null} body @param {AbortSignal} signal
   * @returns {AsyncGenerator<{ name: string, data: any }>}
   */
  async *events(path, body, signal) {
    const response = await this.#request(path, body === null ? { signal } : { method: "POST", body: JSON.stringify(body), signal });
    if (!response.body) return;
    try {
      for await (const { name, data } of readEvents(response.body)) {
        const value = JSON.parse(data);
        if (name === "error") throw problemOf(value, 500);
        yield { name, data: value };
      }
    } catch (error) {
      throw error instanceof Problem || signal.aborted ? error : gone(error);
    }
  }

  /** @param {string} path @param {RequestInit} init */
  async #request(path, init) {
    /** @type {Record<string, string>} */
    const headers = { authorization: `Bearer ${this.#token}` };
    if (init.body) headers["content-type"] = "application/json";
    let response;
    try {
      response = await fetch(path, { ...init, headers, credentials: "omit", redirect: "error", referrerPolicy: "no-referrer" });
    } catch (error) {
      throw init.signal?.aborted ? error : gone(error);
    }
    if (response.ok) return response;
    const problem = problemOf(await response.json().catch(() => null), response.status);
    if (response.status !== 401) throw problem;
    this.onLocked();
    throw new Locked(problem.message);
  }
}

/**
 * The token of this page, for a code.
 * @param {string} code @returns {Promise<string>}
 */
export async function changeCode(code) {
  let response;
  try {
    const headers = { "content-type": "application/json" };
    response = await fetch("/api/sessions", { method: "POST", headers, body: JSON.stringify({ code }), credentials: "omit" });
  } catch (error) {
    throw gone(error);
  }
  const answer = await response.json().catch(() => null);
  if (!response.ok || typeof answer?.token !== "string") throw problemOf(answer, response.status);
  return answer.token;
}

/** @param {unknown} error */
function gone(error) {
  return new Offline("vaultbot does not answer.", { cause: error });
}

/** @param {Response} response */
async function json(response) {
  try {
    return await response.json();
  } catch (error) {
    throw error instanceof DOMException && error.name === "AbortError" ? error : gone(error);
  }
}

/** @param {any} document @param {number} status */
function problemOf(document, status) {
  const told = [document?.detail, document?.title].find((one) => typeof one === "string" && one !== "");
  const slug = typeof document?.type === "string" ? document.type.slice(document.type.lastIndexOf("/") + 1) : "unknown";
  return new Problem(told ?? `The daemon answered ${status}; its log says more, and \`vaultbot status\` names it.`, status, slug);
}

/** @param {ReadableStream<Uint8Array>} body @returns {AsyncGenerator<{ name: string, data: string }>} */
async function* readEvents(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "", ended = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      ended = done;
      if (done) return;
      const blocks = (rest + decoder.decode(value, { stream: true })).split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        // A line that begins with ":" keeps the connection alive.
        const lines = block.split("\n").filter((line) => !line.startsWith(":"));
        const data = lines.filter((line) => line.startsWith("data: ")).map((line) => line.slice(6)).join("\n");
        const name = lines.find((line) => line.startsWith("event: "))?.slice(7);
        if (name && data) yield { name, data };
      }
    }
  } finally {
    // Rejects when the connection was cut already.
    if (!ended) reader.cancel().catch(() => undefined);
  }
}
