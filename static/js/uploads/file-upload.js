/**
 * One file on its way: permission, bucket, confirmation. It can be paused and taken up again at any
 * moment, in another session too: what has arrived in the bucket is asked of the site and not sent
 * again. The part size is the site's, as signed into the token.
 *
 * @typedef {"queued" | "starting" | "sending" | "confirming" | "done" | "paused" | "refused" |
 *   "failed" | "lost" | "elsewhere" | "cancelled"} State `lost`: the file must be chosen again
 * @typedef {import("./api.js").Frame} Frame
 */

import { hold } from "./locks.js";
import { forget, remember } from "./memory.js";
import { persistently } from "./persistence.js";
import { UploadError, repeating } from "./requests.js";
import { Transfer } from "./transfer.js";

/** How often in a row a new permission is asked for, and missing parts are sent again. */
const MOST_RENEWALS = 2;
/** What a new permission settles without a question to the user. */
const RENEWED = ["token_expired", "invalid_token", "upload_missing", "not_uploaded"];
/** After these all that has arrived is of use, once the user has done something about it. */
const KEPT = ["signed_out", "csrf", "unreadable"];
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
  /** @type {Transfer | null} with the permission; none before there is one */
  #transfer = null;
  /** Whether the permission is of an earlier session: what has arrived is to be asked first. */
  #isOld = false;
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
    upload.#permit(found);
    upload.#isOld = true;
    upload.state = "lost";
    return upload;
  }

  get id() {
    return this.#transfer?.plan.id ?? "";
  }

  /** Bytes that are in the bucket or on the way. */
  get sent() {
    return this.state === "done" ? this.size : this.#transfer?.sent ?? 0;
  }

  /** How many parts it has; 0 if it goes as a whole. */
  get partCount() {
    return this.#transfer?.plan.mode === "multipart" ? this.#transfer.plan.parts : 0;
  }

  get arrivedParts() {
    return this.#transfer?.arrivedParts ?? 0;
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
    if (this.isWorking || this.state === "queued") this.#stop("paused");
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
  cancel() {
    this.#stop("cancelled");
    return this.#end();
  }

  async #end() {
    try {
      await this.#abort(new AbortController().signal);
      return true;
    } catch (error) {
      return error.code !== "already_accepted";
    } finally {
      await this.#letGo();
    }
  }

  /** Looks at what is there of an upload of an earlier session; without an id none is left. */
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
    this.#transfer?.breakOff();
    this.#enter(state);
    this.#controller.abort();
  }

  /** @param {State} state */
  #enter(state) {
    this.state = state;
    this.#frame.onChange(this);
  }

  #waits(wait) {
    this.wait = wait;
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
      // It was cancelled, and the permission came all the same.
      else if (this.state === "cancelled") await this.#end();
    }
  }

  async #fail(error) {
    if (error.name !== "UploadError") console.error(error);
    this.wait = null;
    this.#transfer?.breakOff();
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
    if (this.#isOld) {
      await this.#holdIt();
      const found = await this.#lookAround(signal);
      if (found) return found;
    }
    if (!this.#transfer) await this.#begin(signal);
    await this.#holdIt();
    await this.#send(signal);
    return this.#confirm(signal);
  }

  async #begin(signal) {
    const question = { name: this.name, size: this.size, content_type: this.type };
    const begun = await this.#persistently(() => this.#frame.api.begin(question, signal), signal);
    const { id, upload_token: token, mode, url, headers } = begun;
    const { part_size: partSize = 0, parts = 0 } = begun;
    this.#permit({ id, token, mode, url, headers, partSize, parts });
    await this.#holdIt();
    const { name, size, type, lastModified, begunAt, handle } = this;
    const file = { name, size, type, lastModified, begunAt, handle, owner: this.#frame.owner };
    await remember({ id, token, mode, partSize, parts, ...file });
  }

  /** Asks what became of an earlier session's upload; returns the file if there is one already. */
  async #lookAround(signal) {
    const { plan } = this.#transfer;
    const ask = () => this.#frame.api.state(plan.token, signal);
    const { state, parts, file } = await this.#persistently(ask, signal);
    if (state !== "uploading") {
      await this.#letGo();
      this.result = file;
      return file;
    }
    // A single PUT has nothing to go on with, and its URL has expired.
    if (plan.mode === "put" && this.file) throw new UploadError("send", "not_uploaded", "new");
    this.#transfer.found(parts);
    if (this.file) this.#isOld = false;
    return null;
  }

  async #send(signal) {
    this.#enter("sending");
    await this.#transfer.send(this.file, signal);
  }

  async #confirm(signal) {
    const confirm = () => this.#frame.api.confirm(this.#transfer.plan.token, signal);
    for (let repairs = 0; ; repairs += 1) {
      this.#enter("confirming");
      try {
        return await this.#persistently(confirm, signal);
      } catch (error) {
        if (error.code !== "incomplete" || repairs === MOST_RENEWALS) throw error;
        this.#transfer.lost(error.answer.missing ?? []);
        await this.#send(signal);
      }
    }
  }

  // --- its end ----------------------------------------------------------------------------------

  /** Ends this permission before another is asked for; returns the file if it had arrived. */
  async #giveUp(signal) {
    this.#enter("starting");
    try {
      await this.#abort(signal);
    } catch (error) {
      signal.throwIfAborted();
      const { token } = this.#transfer.plan;
      if (error.code === "already_accepted") return this.#frame.api.confirm(token, signal);
      if (error.retry === "same") throw error;
    }
    await this.#letGo();
    return null;
  }

  /** What was cancelled elsewhere stays so: beginning anew would bring it back. */
  async #mustNotBeEnded(signal) {
    const { state } = await this.#frame.api.state(this.#transfer.plan.token, signal);
    if (state === "deleted") throw new UploadError("state", "ended_elsewhere", "new");
  }

  async #abort(signal) {
    const token = this.#transfer?.plan.token;
    if (token) await repeating(() => this.#frame.api.abort(token, signal), signal);
  }

  // --- its permission ---------------------------------------------------------------------------

  /** @param {import("./transfer.js").Plan} plan */
  #permit(plan) {
    this.lastId = plan.id;
    this.#transfer = new Transfer(plan, this.size, this.#frame, (wait) => this.#waits(wait));
  }

  async #holdIt() {
    if (this.#release) return;
    this.#release = await hold(this.id);
    if (!this.#release) throw new UploadError("begin", "elsewhere", "never");
  }

  /** Forgets the permission: it is used up, or of no use. */
  async #letGo() {
    const { id } = this;
    this.#transfer = null;
    this.#isOld = false;
    this.#release?.();
    this.#release = null;
    if (id) await forget(id);
  }

  #persistently(work, signal) {
    return persistently(work, signal, (wait) => this.#waits(wait));
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
