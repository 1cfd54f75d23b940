/**
 * Goes on where a person would only press the same button again: after a lost connection for as
 * long as it takes, after a busy answer a number of times.
 *
 * @typedef {{kind: "offline" | "busy", seconds: number}} Wait `seconds` are 0 where none are known
 */

import { jittered, sleep } from "./requests.js";

/** Milliseconds before the next attempts; the last one stands for all that follow. */
const PAUSES = [600, 1500, 3500, 8000, 15_000, 30_000];

/**
 * @template Result
 * @param {() => Promise<Result>} work
 * @param {AbortSignal} signal
 * @param {(wait: Wait | null) => void} onWait told before each pause, and with null when it worked
 * @returns {Promise<Result>}
 * @throws {import("./requests.js").UploadError} that no waiting cures, or the signal's reason
 */
export async function persistently(work, signal, onWait) {
  for (let failures = 0; ; failures += 1) {
    try {
      const result = await work();
      if (failures) onWait(null);
      return result;
    } catch (error) {
      signal.throwIfAborted();
      if (!isWorthWaiting(error, failures)) throw error;
      onWait({ kind: error.code === "network" ? "offline" : "busy", seconds: error.retryAfter });
      await pause(error, PAUSES[Math.min(failures, PAUSES.length - 1)], signal);
    }
  }
}

function isWorthWaiting(error, failures) {
  if (error.retry !== "same") return false;
  return error.code === "network" || error.status === 429 || failures < PAUSES.length - 1;
}

/** Waits as the answer says, or else longer each time; a connection that is back ends it. */
async function pause(error, milliseconds, signal) {
  if (error.retryAfter) return sleep(error.retryAfter * 1000, signal);
  if (error.code !== "network") return sleep(jittered(milliseconds), signal);
  const back = new AbortController();
  const end = () => back.abort();
  signal.addEventListener("abort", end, { once: true });
  addEventListener("online", end, { once: true });
  // While the browser knows that it is offline, attempts would only fill the console.
  const wait = navigator.onLine ? jittered(milliseconds) : PAUSES.at(-1);
  await sleep(wait, back.signal).catch(() => {});
  signal.removeEventListener("abort", end);
  removeEventListener("online", end);
  return signal.throwIfAborted();
}
