/**
 * What becomes of files after they have arrived: checked, with a preview, or refused. One request
 * for all of them, only while the tab is seen, as often as the site says.
 */

/** Uploads a request; the site takes no more. */
const AT_ONCE = 50;
/** Milliseconds before the first request, and after one that failed. */
const FIRST = 1500;
const AFTER_FAILURE = 10_000;
/** Answers without a change after which no more is expected. */
const PATIENCE = 60;

export class Arrivals {
  /** @type {Map<string, string>} upload id to its name, for those that are not settled */
  #waiting = new Map();
  #url;
  #onChange;
  #etag = "";
  #asked = "";
  #unchanged = 0;
  #timer = 0;
  /** Milliseconds, as the site says. */
  #pause = FIRST;

  /**
   * @param {string} url
   * @param {(changes: {id: string, name: string, state: string}[]) => void} onChange
   */
  constructor(url, onChange) {
    this.#url = url;
    this.#onChange = onChange;
    document.addEventListener("visibilitychange", () => this.#plan(0));
  }

  /** @param {string} id @param {string} name */
  watch(id, name) {
    this.#waiting.set(id, name);
    this.#unchanged = 0;
    this.#plan(FIRST);
  }

  #plan(milliseconds) {
    if (document.hidden || !this.#waiting.size) {
      clearTimeout(this.#timer);
      this.#timer = 0;
      return;
    }
    this.#timer ||= setTimeout(() => this.#ask(), milliseconds);
  }

  async #ask() {
    const ids = [...this.#waiting.keys()].slice(0, AT_ONCE).join(",");
    // An ETag is that of one question.
    const headers = ids === this.#asked && this.#etag ? { "If-None-Match": this.#etag } : {};
    this.#asked = ids;
    const answer = await fetch(`${this.#url}?uploads=${ids}`, {
      headers: { Accept: "application/json", ...headers },
      cache: "no-store", // so that the 304 reaches us
      redirect: "manual",
    }).catch(() => null);
    this.#timer = 0;
    this.#plan(await this.#next(answer));
  }

  /** Takes an answer in; returns after how many milliseconds to ask again. */
  async #next(answer) {
    if (answer?.status === 304) return this.#noChange();
    const told = answer?.ok ? await answer.json().catch(() => null) : null;
    if (!told) return this.#noChange() && AFTER_FAILURE;
    this.#etag = answer.headers.get("ETag") ?? "";
    this.#pause = told.poll_seconds * 1000;
    this.#unchanged = 0;
    const named = (upload) => ({ ...upload, name: this.#waiting.get(upload.id) });
    this.#onChange(told.uploads.map(named));
    for (const upload of told.uploads) if (isSettled(upload)) this.#waiting.delete(upload.id);
    return this.#pause;
  }

  #noChange() {
    this.#unchanged += 1;
    if (this.#unchanged >= PATIENCE) this.#waiting.clear();
    return this.#pause;
  }
}

/** Nothing more becomes known of what has ended, or been worked on. */
function isSettled({ processed }) {
  return processed;
}
