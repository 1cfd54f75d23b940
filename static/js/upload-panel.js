/**
 * The upload panel: choose, crop, save. It shows what `Upload` does and lets the user steer it.
 * It is in one state at a time; elements with `data-shown-when` are shown in the states they name.
 *
 * @typedef {"choosing" | "opening" | "cropping" | "working" | "failed"} State
 */

import { obviousProblem, problemAsItIs } from "./picture-file.js";
import { showPicture } from "./pictures.js";
import { openCropper } from "./square-cropper.js";
import { Upload } from "./upload-protocol.js";
import { explain, percentage, say, size } from "./words.js";

const PHASES = ["begin", "send", "confirm"];
const CANCEL_WORK = "[data-shown-when=working] [data-action=cancel]";

export class UploadPanel {
  /** @type {Upload | null} */
  #upload = null;
  /** @type {AbortController | null} */
  #controller = null;
  #cropper = null;
  /** @type {File | null} */
  #file = null;
  /** @type {import("./upload-protocol.js").Phase} */
  #phase = "begin";

  /**
   * @param {HTMLElement} root
   * @param {import("./upload-protocol.js").Site} site
   * @param {import("./picture-file.js").Limits} limits
   */
  constructor(root, site, limits) {
    this.root = root;
    this.site = site;
    this.limits = limits;
    this.#listen();
    this.#enter("choosing");
  }

  #find(selector) {
    return this.root.querySelector(selector);
  }

  #listen() {
    const input = this.#find("input[type=file]");
    input.addEventListener("change", () => {
      const [file] = input.files;
      if (file) this.choose(file);
      input.value = ""; // so that choosing the same file again is a change, too
    });
    this.#on("save", () => this.#save());
    this.#on("retry", () => this.#work((signal) => this.#goOn(signal)));
    this.#on("cancel", () => this.#cancel());
    const zoom = this.#find("[data-zoom]");
    zoom.addEventListener("input", () => { this.#cropper.zoom = zoom.value / zoom.max; });
    this.#find("[data-remove]").addEventListener("submit", (event) => this.#remove(event));
  }

  #on(action, listener) {
    for (const button of this.root.querySelectorAll(`[data-action=${action}]`)) {
      button.addEventListener("click", listener);
    }
  }

  /** @param {State} state */
  #enter(state) {
    this.root.dataset.state = state;
    for (const element of this.root.querySelectorAll("[data-shown-when]")) {
      element.hidden = !element.dataset.shownWhen.split(" ").includes(state);
    }
  }

  get isBusy() {
    return ["opening", "working"].includes(this.root.dataset.state);
  }

  // --- choosing and cropping --------------------------------------------------------------------

  /**
   * Takes a file that was chosen, dropped or pasted.
   * @param {File} file
   */
  async choose(file) {
    if (this.isBusy) return;
    this.#startOver();
    this.#file = file;
    const problem = obviousProblem(file);
    if (problem) this.#refuse(problem);
    else if (!(await this.#crop(file))) await this.#sendAsItIs(file);
  }

  async #crop(file) {
    this.#enter("opening");
    this.#announce(say("opening"));
    const area = this.#find("[data-crop-area]");
    const cropper = await openCropper(area, file, say("cropArea"));
    if (!cropper) return false;
    this.#cropper = cropper;
    cropper.onZoom = (zoom) => { this.#find("[data-zoom]").value = zoom * 100; };
    this.#enter("cropping");
    this.#announce(say("cropReady"));
    cropper.focus();
    return true;
  }

  /** For what this browser cannot show: the server crops it, about its middle. */
  async #sendAsItIs(file) {
    const problem = await problemAsItIs(file, this.limits);
    if (problem) return this.#refuse(problem);
    this.#tell(say("uncropped", { name: file.name }), "info");
    return this.#work((signal) => this.#send(file, signal));
  }

  #save() {
    this.#cropper.freeze();
    return this.#work(async (signal) => {
      this.#announce(say("encoding"));
      const square = await this.#cropper.square(this.limits, signal);
      if (square) await this.#send(square, signal);
      else this.#refuse("tooLarge");
    });
  }

  #refuse(problem) {
    const { name, size: bytes } = this.#file;
    const values = { name, size: size(bytes), limit: size(this.limits.maxBytes) };
    this.#startOver();
    this.#tell(say(problem, values), "error");
  }

  // --- the three phases -------------------------------------------------------------------------

  /**
   * Does what can be cancelled: from here on there is a controller, so whatever the user waits
   * for, the Cancel button ends it.
   * @param {(signal: AbortSignal) => Promise<void>} steps
   */
  async #work(steps) {
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    this.#hideNote();
    this.#moveFocus("working", CANCEL_WORK);
    try {
      await steps(signal);
    } catch (error) {
      if (signal.aborted) this.#cancelled();
      else this.#fail(error);
    }
  }

  #send(file, signal) {
    this.#upload = new Upload(file, this.site, {
      phase: (phase) => this.#showPhase(phase),
      progress: (fraction) => this.#showProgress(fraction),
      retry: () => this.#announce(say("retrying")),
      renewal: () => this.#announce(say("renewing")),
    });
    return this.#goOn(signal);
  }

  /** Runs what is still to do, at first and again after a failure. */
  async #goOn(signal) {
    await this.#succeed(await this.#upload.run(signal));
  }

  async #succeed(avatar) {
    await showPicture(this.root.dataset.userId, avatar.url, true);
    const { width, height } = avatar;
    this.#startOver();
    this.#tell(say("saved", { width, height, size: size(avatar.size) }), "success");
  }

  #fail(error) {
    if (error.name !== "UploadError") console.error(error);
    this.#showPhase(this.#phase, "failed");
    // Without an upload the encoding failed, and trying again has nothing to go on with.
    if (error.retry === "never" || !this.#upload) this.#startOver();
    else this.#moveFocus("failed", "[data-action=retry]");
    this.#tell(explain(error), "error");
  }

  #cancel() {
    if (this.isBusy) return this.#controller.abort();
    this.#startOver();
    return this.#tell(say("cancelled"), "info");
  }

  #cancelled() {
    // A confirmation that is under way cannot be called back.
    const text = this.#phase === "confirm" ? "cancelledLate" : "cancelled";
    this.#startOver();
    this.#tell(say(text), "info");
  }

  #startOver() {
    this.#cropper?.close();
    this.#cropper = null;
    this.#upload = null;
    this.#showPhase("begin", "waiting");
    this.#hideNote();
    this.#moveFocus("choosing", "input[type=file]");
  }

  // --- what the user is told --------------------------------------------------------------------

  #showPhase(phase, status = "current") {
    this.#phase = phase;
    const at = PHASES.indexOf(phase);
    PHASES.forEach((name, index) => {
      const now = index < at ? "done" : index > at ? "waiting" : status;
      const step = this.#find(`[data-step=${name}]`);
      step.dataset.status = now;
      step.querySelector("[data-step-state]").textContent = say(now);
    });
    if (phase !== "send") this.#showProgress(at / 2);
    if (status === "current") this.#announce(say(phase));
  }

  #showProgress(fraction) {
    this.#find("progress").value = fraction * 100;
    this.#find("[data-percent]").textContent = percentage(fraction);
  }

  /** Enters a state, and keeps the focus in the panel if it was there; else leaves it alone. */
  #moveFocus(state, selector) {
    const wasHere = this.root.contains(document.activeElement);
    this.#enter(state);
    if (wasHere) this.#find(selector).focus({ preventScroll: true });
  }

  /** @param {"info" | "success" | "error"} kind */
  #tell(text, kind) {
    const note = this.#find("[data-note]");
    note.className = `note note-${kind}`;
    note.hidden = false;
    this.#find("[data-note-text]").textContent = text;
    const links = this.#find("[data-note-links]");
    if (links) links.hidden = kind !== "success";
    this.#announce(text);
  }

  #hideNote() {
    this.#find("[data-note]").hidden = true;
    this.#find("[data-note-text]").textContent = "";
  }

  /** Said by screen readers wherever the focus is, and seen while the panel works. */
  #announce(text) {
    this.#find("[data-announcement]").textContent = text;
  }

  // --- removing ---------------------------------------------------------------------------------

  async #remove(event) {
    event.preventDefault();
    this.#hideNote();
    const form = event.target;
    const answer = await fetch(form.action, {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new FormData(form),
      redirect: "manual", // to the login page, when the session is over
    }).catch(() => null);
    if (!answer?.ok) return this.#tell(say("removeFailed"), "error");
    const { userId, pictureUrl } = this.root.dataset;
    await showPicture(userId, `${pictureUrl}?at=${Date.now()}`, false);
    this.#moveFocus("choosing", "input[type=file]"); // from the button that is hidden now
    return this.#tell(say("removed"), "success");
  }
}
