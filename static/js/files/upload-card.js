/**
 * The card of uploads. Whatever happens to however many files, the page changes once a frame, and
 * only some rows are there at a time: those that are over leave, and the next ones follow.
 */

import { Pace } from "../uploads/pace.js";
import { percentage, say, size } from "../words.js";
import { announce, toast } from "../parts/toast.js";
import { joined, left } from "./telling.js";
import { UploadRow } from "./upload-row.js";

/** Rows at first, and how many "Show more" adds. */
const FIRST_ROWS = 30;
const MORE_ROWS = 100;
/** Rows made in one frame. */
const ROWS_A_FRAME = 20;
/** Milliseconds between two readings of the whole, and between two announcements of it. */
const READING = 500;
const ANNOUNCING = 20_000;
const OVER = ["done", "cancelled"];
const isOver = (upload) => OVER.includes(upload.state);

export class UploadCard {
  /** @type {Map<object, UploadRow>} */
  #rows = new Map();
  #changed = new Set();
  #limit = FIRST_ROWS;
  #frame = 0;
  #timer = 0;
  #pace = new Pace();
  #announcedAt = 0;
  #pageTitle = document.title;

  /**
   * @param {HTMLElement} root
   * @param {import("../uploads/queue.js").UploadQueue} queue
   * @param {{act: (action: string, upload: object) => void, finished: () => void}} page
   */
  constructor(root, queue, page) {
    this.root = root;
    this.queue = queue;
    this.page = page;
    this.list = root.querySelector("[data-rows]");
    this.template = root.querySelector("template");
    this.list.addEventListener("click", (event) => this.#onClick(event));
    root.querySelector("[data-more]").onclick = () => this.#showMore();
  }

  /** Takes note of a change; the page shows it in the next frame. */
  changed(upload) {
    this.#changed.add(upload);
    this.refresh();
  }

  refresh() {
    this.#frame ||= requestAnimationFrame(() => this.#show());
    this.#timer ||= setInterval(() => this.#read(), READING);
  }

  #find(name) {
    return this.root.querySelector(`[data-${name}]`);
  }

  #onClick(event) {
    const button = event.target.closest("[data-action]");
    const row = button && [...this.#rows.values()].find(({ element }) => element.contains(button));
    if (row) this.page.act(button.dataset.action, row.upload);
  }

  #showMore() {
    this.#limit += MORE_ROWS;
    this.refresh();
  }

  // --- once a frame -----------------------------------------------------------------------------

  #show() {
    this.#frame = 0;
    for (const upload of this.#changed) this.#showOne(upload);
    this.#changed.clear();
    this.#fill();
    this.root.hidden = this.#rows.size === 0;
    this.#showMoreButton();
    this.#showSummary();
  }

  #showOne(upload) {
    const row = this.#rows.get(upload);
    if (!row) return;
    if (upload.state === "cancelled") this.#leave(row);
    else row.update();
  }

  /** The list shows now what is done. */
  listShown() {
    for (const row of [...this.#rows.values()]) if (row.upload.state === "done") this.#leave(row);
    this.refresh();
  }

  /** Takes a row away; a focus in it goes to the next row, or to the heading. */
  #leave(row) {
    const hadFocus = row.element.contains(document.activeElement);
    const next = row.element.nextElementSibling ?? row.element.previousElementSibling;
    row.close();
    this.#rows.delete(row.upload);
    if (hadFocus) (next?.querySelector("button:not([hidden])") ?? this.#find("heading")).focus();
  }

  #fill() {
    let made = 0;
    let open = this.#openRows;
    for (const upload of this.queue.uploads) {
      if (open >= this.#limit) break;
      if (this.#rows.has(upload) || isOver(upload)) continue;
      if (made === ROWS_A_FRAME) {
        this.refresh();
        break;
      }
      const row = new UploadRow(upload, this.template);
      this.#rows.set(upload, row);
      this.list.append(row.element);
      made += 1;
      open += 1;
    }
  }

  get #openRows() {
    let open = 0;
    for (const upload of this.#rows.keys()) open += !isOver(upload);
    return open;
  }

  #showMoreButton() {
    let open = 0;
    for (const upload of this.queue.uploads) open += !isOver(upload);
    const hidden = open - this.#openRows;
    this.#find("rest").hidden = hidden <= 0;
    if (hidden > 0) this.#find("rest-text").textContent = say("more", { number: hidden });
  }

  #showSummary() {
    const { all, done, active, paused, failed, bytes, sent } = this.queue.summary();
    const rate = active && this.#pace.rate ? say("aSecond", { size: size(this.#pace.rate) }) : "";
    const time = active ? left(this.#pace.left(bytes - sent)) : "";
    const count = active || paused ? say("doneOf", { done, all }) : "";
    const bad = failed ? say("troubled", { failed }) : "";
    this.#find("summary").textContent = joined([count, bad, rate, time]);
    const heading = headingOf(all, done, failed);
    this.#find("heading").textContent = say(heading);
    this.#find("pause-all").hidden = !active;
    this.#find("go-on-all").hidden = Boolean(active) || !paused;
    this.#find("cancel-all").hidden = active + paused < 2;
  }

  // --- twice a second ---------------------------------------------------------------------------

  #read() {
    const { all, done, active, paused, failed, bytes, sent } = this.queue.summary();
    if (active) this.#pace.tell(sent, performance.now());
    else this.#pace.stop();
    const percent = active && bytes ? say("title", { percent: percentage(sent / bytes) }) : "";
    document.title = joined([percent, this.#pageTitle]);
    this.#announceNowAndThen({ all, done, active });
    if (!active) this.#rest({ all, done, paused, failed });
    this.#frame ||= requestAnimationFrame(() => this.#show());
    // Also while the tab is not seen, where there are no frames: or the next ones would not follow.
    if (document.hidden) this.#show();
  }

  #announceNowAndThen({ all, done, active }) {
    const now = performance.now();
    if (!active || now - this.#announcedAt < ANNOUNCING) return;
    if (this.#announcedAt) announce(say("doneOf", { done, all }));
    this.#announcedAt = now;
  }

  /** All is over, or waits for the user. */
  #rest({ all, done, paused, failed }) {
    clearInterval(this.#timer);
    this.#timer = this.#announcedAt = 0;
    if (paused || !done) return;
    const [only] = this.queue.uploads.filter((upload) => upload.state === "done");
    const isOne = done === 1;
    const text = isOne ? say("allDoneOne", { name: only.name }) : say("allDone", { number: done });
    toast(failed ? `${text} ${say("troubled", { failed })}.` : text);
    this.queue.forgetOver();
    this.#limit = FIRST_ROWS;
    this.page.finished(all);
  }
}

/** What stands above the rows; without any upload here they are those of other browsers. */
function headingOf(all, done, failed) {
  if (all > done + failed) return "uploading";
  if (failed) return "notUploaded";
  return all ? "uploaded" : "notFinished";
}
