/** The daemon proves that it knows the token before it is sent the token: another program may have taken the port. */

export function newChallenge(): string {
  return hex(crypto.getRandomValues(new Uint8Array(16)));
}

/** What only a program with the token can answer to a challenge on this port. */
export async function prove(token: string, port: number, challenge: string): Promise<string> {
  const encoder = new TextEncoder();
  const key = await crypto.subtle.importKey("raw", encoder.encode(token), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const words = encoder.encode(`vaultbot-v1:${port}:${challenge}`);
  return hex(new Uint8Array(await crypto.subtle.sign("HMAC", key, words)));
}

export async function sha256(bytes: ArrayBuffer): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
