/**
 * The list of files. It is the server's, part of a page; here it is loaded without leaving the
 * page, which would end the uploads, and files are deleted with a moment to undo it.
 */

import { fetchPage } from "../parts/drawer.js";
import { toast } from "../parts/toast.js";
import { say } from "../words.js";

/** What a page brings along besides the list itself. */
const PARTS = ["[data-list]", "[data-usage]"];
/** Milliseconds between two loads while files arrive, and after a key in the filter. */
const PAUSE = 2500;
const TYPING = 250;

export class FileList {
  #timer = 0;
  #loadedAt = 0;
  #loading = 0;
  #shownUrl = location.href;
  /** @type {Map<string, () => void>} what is to be deleted, and does it now */
  #leaving = new Map();

  /**
   * @param {HTMLElement} root
   * @param {string} csrfToken
   * @param {(list: HTMLElement) => void} onShow
   */
  constructor(root, csrfToken, onShow) {
    this.root = root;
    this.csrfToken = csrfToken;
    this.onShow = onShow;
    root.addEventListener("click", (event) => this.#onClick(event));
    this.#listenToFilter();
    addEventListener("popstate", () => {
      if (!history.state?.drawer && this.#isElsewhere) this.load(location.href);
    });
    addEventListener("pagehide", () => { for (const now of [...this.#leaving.values()]) now(); });
  }

  get #isElsewhere() {
    return this.#shownUrl !== location.href;
  }

  // --- loading ----------------------------------------------------------------------------------

  /** Loads the list again soon, and not too often while thousands arrive. */
  refresh() {
    if (this.#timer) return;
    const wait = Math.max(0, this.#loadedAt + PAUSE - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      this.load(this.#shownUrl);
    }, wait);
  }

  /** @param {string} url @returns {Promise<boolean>} */
  async load(url) {
    const turn = this.#loading += 1;
    const page = await fetchPage(url);
    this.#loadedAt = performance.now();
    if (turn !== this.#loading) return true; // a later one is on its way
    if (!page?.querySelector(PARTS[0])) {
      toast(say("loadFailed"), { tone: "bad" });
      return false;
    }
    this.#shownUrl = url;
    this.#show(page);
    return true;
  }

  #show(page) {
    if (this.root.querySelector(".menu:popover-open")) return this.refresh(); // not under a hand
    const known = new Set(this.#rows.map((row) => row.dataset.upload));
    const focused = document.activeElement;
    const key = this.root.contains(focused) ? focused.dataset.focus : "";
    for (const part of PARTS) {
      const [old, fresh] = [document, page].map((where) => where.querySelector(part));
      if (old && fresh) old.replaceChildren(...fresh.childNodes);
    }
    const isUseless = page.querySelector("[data-filter-area]").hidden;
    document.querySelector("[data-filter-area]").hidden = isUseless;
    for (const row of this.#rows) {
      row.classList.toggle("is-new", known.size > 0 && !known.has(row.dataset.upload));
      if (this.#leaving.has(row.dataset.file)) row.hidden = true;
    }
    this.#hideEmptyGroups();
    if (key) this.root.querySelector(`[data-focus="${CSS.escape(key)}"]`)?.focus();
    return this.onShow(this.root);
  }

  /** Shows another page of the list under its own address. */
  async #visit(url) {
    if (await this.load(url)) history.pushState(null, "", url);
  }

  #listenToFilter() {
    const form = document.querySelector("[data-filter]");
    const [input] = form.elements;
    const all = form.querySelector("a");
    let timer = 0;
    const search = async () => {
      clearTimeout(timer);
      const q = input.value.trim();
      all.hidden = !q;
      const url = new URL(form.action);
      if (q) url.searchParams.set("q", q);
      // One address for a word, not one for each of its letters.
      if (await this.load(url.href)) history.replaceState(history.state, "", url);
    };
    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(search, TYPING);
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      search();
    });
    all.addEventListener("click", (event) => {
      event.preventDefault();
      input.value = "";
      input.focus();
      search();
    });
  }

  #onClick(event) {
    const isPlain = !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0;
    const link = event.target.closest("a");
    if (!link || !isPlain) return;
    if (link.closest(".pager")) {
      event.preventDefault();
      this.#visit(link.href).then(() => document.getElementById("content").scrollIntoView());
    } else if (link.matches("[data-delete]")) {
      event.preventDefault();
      const row = link.closest("[data-file]");
      this.remove(row.dataset.file, row.dataset.name, link.href);
    }
  }

  // --- deleting ---------------------------------------------------------------------------------

  /**
   * Takes a file off the list, and deletes it unless the user takes that back in time.
   * @param {string} id
   * @param {string} name
   * @param {string} url
   */
  remove(id, name, url) {
    if (this.#leaving.has(id)) return;
    this.#hide(id, true);
    const note = toast(say("deleted", { name }), {
      offer: { label: say("undo"), act: () => undo() },
      gone: () => finish(),
    });
    const stop = takeBackByKey(() => note.takeOffer());
    const undo = () => {
      stop();
      this.#leaving.delete(id);
      this.#hide(id, false);
    };
    const finish = async () => {
      stop();
      const isGone = await this.#post(url);
      this.#leaving.delete(id);
      if (!isGone) {
        this.#hide(id, false);
        toast(say("deleteFailed", { name }), { tone: "bad" });
      }
      this.refresh();
    };
    this.#leaving.set(id, () => note.close());
  }

  #hide(id, isHidden) {
    const row = this.root.querySelector(`[data-file="${CSS.escape(id)}"]`);
    if (!row) return;
    const focused = document.activeElement;
    const hadFocus = row.contains(focused) || focused === document.body;
    row.hidden = isHidden;
    this.#hideEmptyGroups();
    if (!hadFocus) return;
    const next = isHidden ? this.#neighbour(row) : row;
    (next?.querySelector("[data-menu]") ?? document.getElementById("content")).focus();
  }

  get #rows() {
    return [...this.root.querySelectorAll("[data-file]")];
  }

  /** Returns the next row that is seen, or else the one before. */
  #neighbour(row) {
    const at = this.#rows.indexOf(row);
    const [before, after] = [this.#rows.slice(0, at), this.#rows.slice(at)];
    return [...after, ...before.reverse()].find((one) => !one.hidden);
  }

  #hideEmptyGroups() {
    for (const group of this.root.querySelectorAll("[data-group]")) {
      group.hidden = [...group.querySelectorAll("[data-file]")].every((row) => row.hidden);
    }
  }

  /** @returns {Promise<boolean>} whether it was done; also while the page is being left */
  async #post(url) {
    const headers = { Accept: "application/json", "X-CSRFToken": this.csrfToken };
    const request = { method: "POST", headers, keepalive: true, redirect: "manual" };
    const answer = await fetch(url, request).catch(() => null);
    return Boolean(answer?.ok);
  }
}

/** Ctrl+Z takes back, outside of text fields. @returns {() => void} ends it */
function takeBackByKey(act) {
  const controller = new AbortController();
  document.addEventListener("keydown", (event) => {
    const isUndo = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key === "z";
    if (!isUndo || event.target.matches("input, textarea")) return;
    event.preventDefault();
    act();
  }, { signal: controller.signal });
  return () => controller.abort();
}
