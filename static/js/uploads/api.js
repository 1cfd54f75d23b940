/**
 * The calls of an upload, each one request. README's table of routes says what they mean.
 *
 * Types that modules share are here and point at none of them: an import in a comment counts, too,
 * when files get hashed names, and two that name each other get none.
 *
 * @typedef {{begin: string, parts: string, state: string, confirm: string, abort: string}} Urls
 * @typedef {{id: string, name: string, version: number, size: number, content_type: string,
 *   state: string, created_at: string, sha256: string | null,
 *   preview_url: string | null}} StoredFile
 * @typedef {{api: UploadApi, slots: import("./slots.js").Slots, owner: string,
 *   onChange: (upload: object) => void}} Frame what the uploads of a page share
 */

import { ask } from "./requests.js";

export class UploadApi {
  /**
   * @param {Urls} urls
   * @param {string} csrfToken
   */
  constructor(urls, csrfToken) {
    this.urls = urls;
    this.csrfToken = csrfToken;
  }

  /** @param {{name: string, size: number, content_type: string}} question */
  begin(question, signal) {
    return this.#ask("begin", question, signal);
  }

  /** @param {string} token @param {number[]} numbers at most 50 */
  async signParts(token, numbers, signal) {
    const question = { upload_token: token, numbers };
    return (await this.#ask("parts", question, signal)).parts;
  }

  /**
   * @returns {Promise<{state: string, parts: {number: number, size: number}[],
   *   file: StoredFile | null}>}
   */
  state(token, signal) {
    return this.#ask("state", { upload_token: token }, signal);
  }

  /** @returns {Promise<StoredFile>} */
  async confirm(token, signal) {
    return (await this.#ask("confirm", { upload_token: token }, signal)).file;
  }

  abort(token, signal) {
    return this.#ask("abort", { upload_token: token }, signal);
  }

  #ask(phase, question, signal) {
    return ask(phase, this.urls[phase], question, this.csrfToken, signal);
  }
}
