/**
 * The bytes of one file on their way to the bucket, as one PUT or in parts side by side. It knows
 * what has arrived, and sends nothing of it again.
 *
 * @typedef {{id: string, token: string, mode: "put" | "multipart", url?: string,
 *   headers?: Record<string, string>, partSize: number, parts: number}} Plan as the site gave it
 */

import { PartUrls } from "./part-urls.js";
import { persistently } from "./persistence.js";
import { UploadError, sendToS3 } from "./requests.js";
import { inParallel } from "./slots.js";

/** Requests of one file at a time; the page's slots bound them all. */
const PARTS_AT_ONCE = 6;
/** How often in a row the URL of a part is refused before that is taken for an answer. */
const MOST_REFUSALS = 2;
/** Headers that only the browser may set. */
const OWN_HEADERS = ["host", "content-length"];

export class Transfer {
  /** @type {Map<number, number>} bytes of the parts that are in the bucket, by number */
  #arrived = new Map();
  /** @type {Map<number, number>} bytes of the parts under way */
  #underway = new Map();
  #frame;
  #onWait;

  /**
   * @param {Plan} plan
   * @param {number} size of the file, in bytes
   * @param {import("./api.js").Frame} frame
   * @param {(wait: import("./persistence.js").Wait | null) => void} onWait also told of progress
   */
  constructor(plan, size, frame, onWait) {
    this.plan = plan;
    this.size = size;
    this.#frame = frame;
    this.#onWait = onWait;
  }

  /** Bytes that are in the bucket or on the way. */
  get sent() {
    return Math.min(this.size, sum(this.#arrived) + sum(this.#underway));
  }

  get arrivedParts() {
    return this.#arrived.size;
  }

  /** Takes in what the site says is there. @param {{number: number, size: number}[]} parts */
  found(parts) {
    this.#arrived = new Map(parts.map((part) => [part.number, part.size]));
  }

  /** Takes in what the site says is missing. @param {number[]} numbers */
  lost(numbers) {
    for (const number of numbers) this.#arrived.delete(number);
  }

  /** Forgets what was under way: it has been broken off. */
  breakOff() {
    this.#underway.clear();
  }

  /** Sends what is not there yet. @param {File} file @param {AbortSignal} signal */
  send(file, signal) {
    return this.plan.mode === "put" ? this.#sendWhole(file, signal) : this.#sendParts(file, signal);
  }

  async #sendWhole(file, signal) {
    const { url, headers } = this.plan;
    const put = () => this.#put({ url, headers, body: file }, 1, signal);
    try {
      await this.#persistently(put, signal);
    } catch (error) {
      // It is there already: the answer to an earlier attempt was lost.
      if (error.status !== 412) throw error;
    }
    this.#arrived.set(1, this.size);
  }

  async #sendParts(file, signal) {
    const { token, parts } = this.plan;
    const urls = new PartUrls((wanted) => this.#frame.api.signParts(token, wanted, signal));
    const missing = Array.from({ length: parts }, (_none, index) => index + 1)
      .filter((number) => this.#arrived.get(number) !== this.#bytesOf(number));
    const send = (number, upcoming, ending) => this.#sendPart(file, number, upcoming, urls, ending);
    await inParallel(missing, PARTS_AT_ONCE, send, signal);
  }

  async #sendPart(file, number, upcoming, urls, signal) {
    const start = (number - 1) * this.plan.partSize;
    const body = file.slice(start, start + this.#bytesOf(number));
    const put = async () => {
      const { url, headers } = await urls.take(number, upcoming);
      await this.#put({ url, headers, body }, number, signal);
    };
    for (let refusals = 0; ; refusals += 1) {
      try {
        await this.#persistently(put, signal);
        this.#arrived.set(number, body.size);
        return;
      } catch (error) {
        // An expired URL: the next attempt has a new one.
        const isExpired = error.phase === "send" && error.status === 403;
        if (!isExpired || refusals === MOST_REFUSALS) throw error;
      }
    }
  }

  #bytesOf(number) {
    const { partSize } = this.plan;
    return Math.min(partSize, this.size - (number - 1) * partSize);
  }

  async #put({ url, headers, body }, number, signal) {
    const allowed = Object.entries(headers)
      .filter(([name]) => !OWN_HEADERS.includes(name.toLowerCase()));
    const request = { method: "PUT", url, headers: Object.fromEntries(allowed), body };
    const tell = (sent) => {
      this.#underway.set(number, sent);
      this.#onWait(null);
    };
    try {
      await sendToS3(request, signal, tell);
    } catch (error) {
      if (error.code === "network") await mustBeReadable(body);
      throw error;
    } finally {
      this.#underway.delete(number);
    }
  }

  #persistently(put, signal) {
    return persistently(() => this.#frame.slots.run(put, signal), signal, this.#onWait);
  }
}

/** A lost connection and a file that is gone look alike to a request. */
async function mustBeReadable(body) {
  try {
    await body.slice(0, 1).arrayBuffer();
  } catch {
    throw new UploadError("send", "unreadable", "never");
  }
}

/** @param {Map<number, number>} numbers */
function sum(numbers) {
  let all = 0;
  for (const number of numbers.values()) all += number;
  return all;
}
