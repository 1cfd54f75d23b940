/**
 * One file on its way: permission, bucket, confirmation. It can be paused and taken up again at any
 * moment, in another session too: what has arrived in the bucket is asked of the site and not sent
 * again. The part size is the site's, as signed into the token.
 *
 * @typedef {"queued" | "starting" | "sending" | "confirming" | "done" | "paused" | "refused" |
 *   "failed" | "lost" | "elsewhere" | "cancelled"} State `lost`: the file must be chosen again
 * @typedef {{id: string, token: string, mode: "put" | "multipart", url?: string,
 *   headers?: Record<string, string>, partSize: number, parts: number}} Plan
 * @typedef {{api: import("./api.js").UploadApi, slots: import("./slots.js").Slots, owner: string,
 *   onChange: (upload: FileUpload) => void}} Frame what the uploads of a page share
 */

import { hold } from "./locks.js";
import { forget, remember } from "./memory.js";
import { PartUrls } from "./part-urls.js";
import { persistently } from "./persistence.js";
import { UploadError, repeating, sendToS3 } from "./requests.js";
import { inParallel } from "./slots.js";

/** How often in a row a new permission is asked for, and missing parts are sent again. */
const MOST_RENEWALS = 2;
/** Requests of one file at a time; the page's slots bound them all. */
const PARTS_AT_ONCE = 6;
/** What a new permission settles without a question to the user. */
const RENEWED = ["token_expired", "invalid_token", "upload_missing", "not_uploaded"];
/** After these all that has arrived is of use, once the user has done something about it. */
const KEPT = ["signed_out", "csrf", "unreadable"];
/** Headers that only the browser may set. */
const OWN_HEADERS = ["host", "content-length"];
const WORKING = ["starting", "sending", "confirming"];

export class FileUpload {
  /** @type {State} */
  state = "queued";
  /** @type {import("./persistence.js").Wait | null} what it waits for while it works */
  wait = null;
  /** @type {UploadError | null} */
  error = null;
  /** @type {import("./api.js").StoredFile | null} */
  result = null;
  /** The id of the latest permission, also after it is used up. */
  lastId = "";
  /** @type {Plan | null} */
  #plan = null;
  #isPlanOld = false;
  /** @type {Map<number, number>} bytes of the parts that are in the bucket, by number */
  #arrived = new Map();
  /** @type {Map<number, number>} bytes of the parts under way */
  #underway = new Map();
  #controller = new AbortController();
  /** @type {(() => void) | null} */
  #release = null;
  #frame;

  /**
   * @param {{file: File | null, name: string, size: number, type: string, lastModified: number,
   *   handle?: FileSystemFileHandle | null}} source
   * @param {Frame} frame
   */
  constructor(source, frame) {
    this.file = source.file;
    this.name = source.name;
    this.size = source.size;
    this.type = source.type;
    this.lastModified = source.lastModified;
    this.handle = source.handle ?? null;
    this.begunAt = Date.now();
    this.#frame = frame;
  }

  /**
   * Returns an upload that another session of this browser began.
   * @param {import("./memory.js").Remembered} found
   * @param {Frame} frame
   */
  static resumed(found, frame) {
    const upload = new FileUpload({ ...found, file: null }, frame);
    upload.begunAt = found.begunAt;
    upload.#plan = found;
    upload.lastId = found.id;
    upload.#isPlanOld = true;
    upload.state = "lost";
    return upload;
  }

  get id() {
    return this.#plan?.id ?? "";
  }

  /** Bytes that are in the bucket or on the way. */
  get sent() {
    if (this.state === "done") return this.size;
    return Math.min(this.size, sum(this.#arrived) + sum(this.#underway));
  }

  get partCount() {
    return this.#plan?.mode === "multipart" ? this.#plan.parts : 0;
  }

  get arrivedParts() {
    return this.#arrived.size;
  }

  get isWorking() {
    return WORKING.includes(this.state);
  }

  /** Whether leaving the page would lose something. */
  get isUnfinished() {
    return this.isWorking || this.state === "queued" || this.state === "paused";
  }

  /** Whether this is the file that the upload was begun with. @param {File} file */
  fits(file, name) {
    return name === this.name && file.size === this.size && file.lastModified === this.lastModified;
  }

  // --- what the user does -----------------------------------------------------------------------

  pause() {
    if (!this.isWorking && this.state !== "queued") return;
    this.#stop("paused");
  }

  /** Puts it in the queue again: after a pause, a failure, or once its file was chosen again. */
  goOn(file = this.file) {
    if (!file) return;
    this.file = file;
    this.error = null;
    this.#enter("queued");
  }

  /** Says no before anything is asked. @param {string} code @param {object} [answer] */
  refuse(code, answer) {
    this.error = new UploadError("begin", code, "never", { answer });
    this.#enter("refused");
  }

  /** Leaves it alone: it is not this page's to end. */
  dismiss() {
    this.#enter("cancelled");
  }

  /**
   * Ends it; nothing of it is left.
   * @returns {Promise<boolean>} false when it had arrived already, and is a file now
   */
  async cancel() {
    this.#stop("cancelled");
    try {
      await this.#abort(new AbortController().signal);
      return true;
    } catch (error) {
      return error.code !== "already_accepted";
    } finally {
      await this.#letGo();
    }
  }

  /** Looks at what is there of an upload that another session began; without an id none is left. */
  async look() {
    try {
      await this.#lookAround(this.#controller.signal);
    } catch (error) {
      if (error.retry === "new") await this.#letGo();
    }
    this.#frame.onChange(this);
  }

  #stop(state) {
    this.wait = null;
    this.#underway.clear();
    this.#enter(state);
    this.#controller.abort();
  }

  /** @param {State} state */
  #enter(state) {
    this.state = state;
    this.#frame.onChange(this);
  }

  // --- its way ----------------------------------------------------------------------------------

  /** Does what is still to do, and ends in one of the states that are not work. */
  async run() {
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    this.#enter("starting");
    try {
      const result = await this.#allSteps(signal);
      if (signal.aborted) return;
      this.result = result;
      await this.#letGo();
      this.#enter("done");
    } catch (error) {
      if (!signal.aborted) await this.#fail(error);
    }
  }

  async #fail(error) {
    if (error.name !== "UploadError") console.error(error);
    this.wait = null;
    this.#underway.clear();
    this.error = error;
    if (error.code === "elsewhere") return this.#enter("elsewhere");
    if (!isFinal(error)) return this.#enter("failed");
    await this.#letGo();
    return this.#enter("refused");
  }

  async #allSteps(signal) {
    for (let renewals = 0; ; renewals += 1) {
      try {
        return await this.#steps(signal);
      } catch (error) {
        if (!isRenewed(error) || renewals === MOST_RENEWALS) throw error;
        if (error.status === 404) await this.#mustNotBeEnded(signal);
        const arrived = await this.#giveUp(signal);
        if (arrived) return arrived;
      }
    }
  }

  async #steps(signal) {
    if (this.#isPlanOld) {
      await this.#holdIt();
      const found = await this.#lookAround(signal);
      if (found) return found;
    }
    if (!this.#plan) await this.#begin(signal);
    await this.#holdIt();
    await this.#send(signal);
    return this.#confirm(signal);
  }

  async #begin(signal) {
    const question = { name: this.name, size: this.size, content_type: this.type };
    const begun = await this.#persistently(() => this.#frame.api.begin(question, signal), signal);
    const { id, upload_token: token, mode, url, headers, part_size: partSize = 0, parts = 0 } = begun;
    this.#plan = { id, token, mode, url, headers, partSize, parts };
    this.lastId = id;
    await this.#holdIt();
    const { name, size, type, lastModified, begunAt, handle } = this;
    const { owner } = this.#frame;
    await remember({
      id, owner, token, mode, partSize, parts, name, size, type, lastModified, begunAt, handle,
    });
  }

  /** Asks what became of a plan of an earlier session; returns the file if there is one already. */
  async #lookAround(signal) {
    const ask = () => this.#frame.api.state(this.#plan.token, signal);
    const { state, parts, file } = await this.#persistently(ask, signal);
    if (state === "ready") {
      await this.#letGo();
      this.result = file;
      return file;
    }
    if (state !== "uploading" || this.#plan.mode === "put") {
      // A single PUT has nothing to go on with, and its URL has expired.
      if (state === "uploading" && this.file) throw new UploadError("send", "not_uploaded", "new");
      if (state !== "uploading") await this.#letGo();
      return null;
    }
    this.#arrived = new Map(parts.map((part) => [part.number, part.size]));
    if (this.file) this.#isPlanOld = false;
    return null;
  }

  async #send(signal) {
    this.#enter("sending");
    if (this.#plan.mode === "put") await this.#sendWhole(signal);
    else await this.#sendParts(signal);
  }

  async #sendWhole(signal) {
    const { url, headers } = this.#plan;
    const send = () => this.#transfer({ url, headers, body: this.file }, 1, signal);
    try {
      await this.#persistently(() => this.#frame.slots.run(send, signal), signal);
    } catch (error) {
      // It is there already: the answer to an earlier attempt was lost.
      if (error.status !== 412) throw error;
    }
    this.#arrived.set(1, this.size);
  }

  async #sendParts(signal) {
    const { token, parts } = this.#plan;
    const numbers = Array.from({ length: parts }, (_none, index) => index + 1);
    const missing = numbers.filter((number) => this.#arrived.get(number) !== this.#partBytes(number));
    const urls = new PartUrls((wanted) => this.#frame.api.signParts(token, wanted, signal));
    const send = (number, upcoming, ending) => this.#sendPart(number, upcoming, urls, ending);
    await inParallel(missing, PARTS_AT_ONCE, send, signal);
  }

  async #sendPart(number, upcoming, urls, signal) {
    const start = (number - 1) * this.#plan.partSize;
    const body = this.file.slice(start, start + this.#partBytes(number));
    const send = async () => {
      const { url, headers } = await urls.take(number, upcoming);
      await this.#transfer({ url, headers, body }, number, signal);
    };
    for (let refusals = 0; ; refusals += 1) {
      try {
        await this.#persistently(() => this.#frame.slots.run(send, signal), signal);
        this.#arrived.set(number, body.size);
        return;
      } catch (error) {
        // An expired URL: the next attempt has a new one.
        if (error.status !== 403 || error.phase !== "send" || refusals === MOST_RENEWALS) throw error;
      }
    }
  }

  #partBytes(number) {
    const { partSize } = this.#plan;
    return Math.min(partSize, this.size - (number - 1) * partSize);
  }

  async #transfer({ url, headers, body }, number, signal) {
    const allowed = Object.entries(headers).filter(([name]) => !OWN_HEADERS.includes(name.toLowerCase()));
    const request = { method: "PUT", url, headers: Object.fromEntries(allowed), body };
    try {
      await sendToS3(request, signal, (sent) => {
        this.#underway.set(number, sent);
        this.wait = null;
        this.#frame.onChange(this);
      });
    } catch (error) {
      if (error.code === "network") await mustBeReadable(body);
      throw error;
    } finally {
      this.#underway.delete(number);
    }
  }

  async #confirm(signal) {
    for (let repairs = 0; ; repairs += 1) {
      this.#enter("confirming");
      try {
        return await this.#persistently(() => this.#frame.api.confirm(this.#plan.token, signal), signal);
      } catch (error) {
        if (error.code !== "incomplete" || repairs === MOST_RENEWALS) throw error;
        for (const number of error.answer.missing ?? []) this.#arrived.delete(number);
        await this.#send(signal);
      }
    }
  }

  /** Ends this permission before another is asked for; returns the file if it had arrived. */
  async #giveUp(signal) {
    this.#enter("starting");
    try {
      await this.#abort(signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error.code === "already_accepted") return this.#frame.api.confirm(this.#plan.token, signal);
      if (error.retry === "same") throw error;
    }
    await this.#letGo();
    return null;
  }

  /** What was cancelled elsewhere stays so: beginning anew would bring it back. */
  async #mustNotBeEnded(signal) {
    const { state } = await this.#frame.api.state(this.#plan.token, signal);
    if (state === "deleted") throw new UploadError("state", "ended_elsewhere", "new");
  }

  async #abort(signal) {
    if (!this.#plan) return;
    await repeating(() => this.#frame.api.abort(this.#plan.token, signal), signal);
  }

  // --- its claim --------------------------------------------------------------------------------

  async #holdIt() {
    if (this.#release) return;
    this.#release = await hold(this.id);
    if (!this.#release) throw new UploadError("begin", "elsewhere", "never");
  }

  /** Forgets the permission: it is used up, or of no use. */
  async #letGo() {
    const { id } = this;
    this.#plan = null;
    this.#isPlanOld = false;
    this.#arrived.clear();
    this.#release?.();
    this.#release = null;
    if (id) await forget(id);
  }

  #persistently(work, signal) {
    return persistently(work, signal, (wait) => {
      this.wait = wait;
      this.#frame.onChange(this);
    });
  }
}

/** Whether this permission is of no more use; trying again, where that helps, begins anew. */
function isFinal({ code, phase, retry }) {
  if (KEPT.includes(code)) return false;
  return retry === "never" || (retry === "new" && phase !== "send");
}

function isRenewed(error) {
  if (error.phase === "send") return error.retry === "new";
  return RENEWED.includes(error.code);
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
