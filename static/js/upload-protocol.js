/**
 * An upload in three phases. Nothing in this file knows the page, so it reads as the protocol does:
 *
 *   1. begin    the site hands out a presigned POST: one key, one type, a size limit, a few minutes
 *   2. send     the browser posts the file straight to the bucket, where it is pending
 *   3. confirm  the site checks it, writes the picture anew and points the item at it
 *
 * Every phase can be repeated without harm. A phase that got no answer is repeated a few times
 * here; whatever still fails can be taken up again later with `Upload.run`. What is never
 * confirmed goes by itself: the bucket expires it. How a request is sent, waited for and repeated is
 * in uploads/requests.js, which files use, too.
 *
 * The modules import each other by relative paths: with no build step and no import map (an inline
 * one would break the CSP). In production `config/static.py` rewrites the paths to hashed names.
 *
 * @typedef {{beginUrl: string, confirmUrl: string, csrfToken: string}} Site
 * @typedef {{url: string, fields: Record<string, string>, key: string, upload_token: string,
 *   expires_at: string, max_bytes: number}} Permission
 * @typedef {{url: string, content_type: string, size: number, width: number, height: number}} Avatar
 * @typedef {"begin" | "send" | "confirm"} Phase
 * @typedef {{phase?: (phase: Phase) => void, progress?: (fraction: number) => void,
 *   retry?: () => void, renewal?: () => void}} Report
 */

import { ask, repeating, sendToS3 } from "./uploads/requests.js";

/** One file on its way. After a failure `run` goes on with the phase that is still to do. */
export class Upload {
  /** @type {Permission | null} */
  #permission = null;
  #isInBucket = false;

  /**
   * @param {Blob} file
   * @param {Site} site
   * @param {Report} [report] called as the upload gets on
   */
  constructor(file, site, report = {}) {
    this.file = file;
    this.site = site;
    this.report = report;
  }

  /**
   * Runs the phases that are still to do.
   * @param {AbortSignal} signal
   * @returns {Promise<Avatar>}
   * @throws {import("./uploads/requests.js").UploadError} or the signal's reason
   */
  async run(signal) {
    try {
      if (!this.#isInBucket) await this.#bringToBucket(signal);
      return await confirmUpload(this.#permission, this.site, signal, this.report);
    } catch (error) {
      if (error.needsNewUpload) this.#forget();
      throw error;
    }
  }

  /** Phases 1 and 2. A refused form is renewed once: it may have expired before this attempt. */
  async #bringToBucket(signal) {
    try {
      await this.#beginAndSend(signal);
    } catch (error) {
      if (error.phase !== "send" || !error.needsNewUpload) throw error;
      this.#forget();
      this.report.renewal?.();
      await this.#beginAndSend(signal);
    }
  }

  async #beginAndSend(signal) {
    this.#permission ??= await beginUpload(this.file, this.site, signal, this.report);
    await sendToBucket(this.#permission, this.file, signal, this.report);
    this.#isInBucket = true;
  }

  #forget() {
    this.#permission = null;
    this.#isInBucket = false;
  }
}

/**
 * Phase 1: asks the site for a presigned POST.
 * @param {Blob} file
 * @param {Site} site
 * @param {AbortSignal} signal
 * @param {Report} [report]
 * @returns {Promise<Permission>}
 */
export function beginUpload(file, site, signal, report = {}) {
  report.phase?.("begin");
  const question = { content_type: file.type, size: file.size };
  return asking("begin", site.beginUrl, question, site, signal, report);
}

/**
 * Phase 2: posts the file to the bucket, as the form that phase 1 returned.
 * @param {Permission} permission
 * @param {Blob} file
 * @param {AbortSignal} signal
 * @param {Report} [report]
 * @returns {Promise<void>}
 */
export function sendToBucket(permission, file, signal, report = {}) {
  report.phase?.("send");
  return repeating(() => post(permission, file, signal, report), signal, report.retry);
}

/**
 * Phase 3: tells the site that the file is in the bucket.
 * @param {Permission} permission
 * @param {Site} site
 * @param {AbortSignal} signal
 * @param {Report} [report]
 * @returns {Promise<Avatar>}
 */
export async function confirmUpload(permission, site, signal, report = {}) {
  report.phase?.("confirm");
  const question = { key: permission.key, upload_token: permission.upload_token };
  const { avatar } = await asking("confirm", site.confirmUrl, question, site, signal, report);
  return avatar;
}

/** Asks the site, several times if need be. */
function asking(phase, url, question, { csrfToken }, signal, report) {
  return repeating(() => ask(phase, url, question, csrfToken, signal), signal, report.retry);
}

/** POSTs the form to the bucket. */
function post({ url, fields }, file, signal, report) {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  // S3 ignores every field that comes after the file.
  // https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
  body.append("file", file, "picture");
  const tell = (sent, all) => report.progress?.(sent / all);
  return sendToS3({ method: "POST", url, body }, signal, tell);
}
