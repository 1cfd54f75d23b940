/**
 * All uploads of a page. A few files go at a time, and a few requests over all of them, so that
 * thousands can be dropped at once; permissions are asked for when a file's turn comes.
 */

import { FileUpload } from "./file-upload.js";
import { held } from "./locks.js";
import { remembered } from "./memory.js";
import { Slots } from "./slots.js";

const FILES_AT_ONCE = 4;
const REQUESTS_AT_ONCE = 6;
const OVER = ["done", "cancelled"];
/** What the user has to do something about, for all uploads alike. */
const SESSION_ERRORS = ["signed_out", "csrf"];

export class UploadQueue {
  /** @type {FileUpload[]} in the order of coming */
  uploads = [];
  #working = 0;
  #next = 0;
  #frame;

  /**
   * @param {import("./api.js").UploadApi} api
   * @param {string} owner
   * @param {{bytes: number}} limits what is refused without asking
   * @param {(upload: FileUpload) => void} onChange
   */
  constructor(api, owner, limits, onChange) {
    this.limits = limits;
    this.onChange = onChange;
    this.#frame = {
      api,
      owner,
      slots: new Slots(REQUESTS_AT_ONCE),
      onChange: (upload) => this.#changed(upload),
    };
  }

  /**
   * Takes files up. One that was begun before goes on; one that is on its way already is left out.
   * @param {import("./collecting.js").Found[]} found
   * @returns {{added: FileUpload[], doubles: string[]}}
   */
  add(found) {
    const open = this.uploads.filter((one) => !OVER.includes(one.state));
    const known = new Map(open.map((one) => [one.name, one]));
    const added = [];
    const doubles = [];
    for (const one of found) {
      const before = known.get(one.name);
      if (before?.isUnfinished && before.fits(one.file, one.name)) doubles.push(one.name);
      else added.push(this.#takeUp(one, before));
    }
    this.#fill();
    return { added, doubles };
  }

  #takeUp({ file, name, handle }, before) {
    if (before?.state === "lost" && before.fits(file, name)) {
      before.handle = handle ?? before.handle;
      before.goOn(file);
      return before;
    }
    if (["refused", "failed"].includes(before?.state)) this.cancel(before);
    const { size, type, lastModified } = file;
    const upload = new FileUpload({ file, name, size, type, lastModified, handle }, this.#frame);
    this.uploads.push(upload);
    if (size === 0) upload.refuse("is_empty");
    else if (size > this.limits.bytes) upload.refuse("too_large", { limit: this.limits.bytes });
    return upload;
  }

  /**
   * Takes up what earlier sessions of this browser left, without its files.
   * @returns {Promise<FileUpload[]>}
   */
  async recall() {
    const [all, taken] = await Promise.all([remembered(this.#frame.owner), held()]);
    const found = all.map((one) => {
      const upload = FileUpload.resumed(one, this.#frame);
      if (taken.has(one.id)) upload.state = "elsewhere";
      return upload;
    });
    this.uploads.push(...found);
    return found;
  }

  // --- what the user does -----------------------------------------------------------------------

  /** @param {FileUpload} upload */
  goOn(upload, file = upload.file) {
    upload.goOn(file);
    this.#fill();
  }

  /** @param {FileUpload} upload */
  cancel(upload) {
    return upload.cancel();
  }

  /** @param {FileUpload} upload */
  dismiss(upload) {
    upload.dismiss();
    this.forgetOver();
  }

  pauseAll() {
    // The waiting ones first, or they would take the places of those that stop.
    const active = this.uploads.filter((one) => one.isWorking || one.state === "queued");
    for (const upload of active.reverse()) upload.pause();
  }

  goOnAll() {
    for (const upload of this.uploads) if (upload.state === "paused") upload.goOn();
    this.#fill();
  }

  cancelAll() {
    const unfinished = this.uploads.filter((one) => one.isUnfinished).reverse();
    return Promise.all(unfinished.map((upload) => upload.cancel()));
  }

  /** Lets go of what is over. */
  forgetOver() {
    this.uploads = this.uploads.filter((one) => !OVER.includes(one.state));
    this.#next = 0;
  }

  // --- how it gets on ---------------------------------------------------------------------------

  get isUnfinished() {
    return this.uploads.some((one) => one.isUnfinished);
  }

  /** Returns the numbers of all uploads, which a page sums up in a line. */
  summary() {
    const counts = { all: 0, done: 0, active: 0, paused: 0, failed: 0, bytes: 0, sent: 0 };
    for (const upload of this.uploads) {
      if (["cancelled", "lost", "elsewhere"].includes(upload.state)) continue;
      counts.all += 1;
      counts.done += upload.state === "done";
      counts.active += upload.isWorking || upload.state === "queued";
      counts.paused += upload.state === "paused";
      const isOut = ["refused", "failed"].includes(upload.state);
      counts.failed += isOut;
      if (isOut) continue;
      counts.bytes += upload.size;
      counts.sent += upload.sent;
    }
    return counts;
  }

  #changed(upload) {
    if (upload.state === "queued") this.#next = 0;
    if (SESSION_ERRORS.includes(upload.error?.code) && upload.state === "failed") this.pauseAll();
    this.onChange(upload);
  }

  /** Starts as many as may go at once. */
  #fill() {
    while (this.#working < FILES_AT_ONCE) {
      const upload = this.#nextQueued();
      if (!upload) return;
      this.#working += 1;
      upload.run().finally(() => {
        this.#working -= 1;
        this.#fill();
      });
    }
  }

  /** Returns the first that waits; what lies before it need not be looked at again. */
  #nextQueued() {
    while (this.#next < this.uploads.length) {
      const upload = this.uploads[this.#next];
      if (upload.state === "queued") return upload;
      this.#next += 1;
    }
    return null;
  }
}
