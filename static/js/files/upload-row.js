/** One row of the uploads: what is happening to a file, and what can be done about it. */

import { Pace } from "../uploads/pace.js";
import { say, size } from "../words.js";
import { chip, figures, sentence } from "./telling.js";

/** Only small pictures are shown: a large one takes its time, and much memory. */
const SHOWN_TYPES = /^image\/(avif|gif|jpeg|png|webp)$/;
const SHOWN_BYTES = 3 * 1024 ** 2;
/** The first button of a row by state: its action, which is a word, too, and its icon. */
const ACTIONS = {
  queued: ["pause", "pause"],
  starting: ["pause", "pause"],
  sending: ["pause", "pause"],
  paused: ["goOn", "play"],
  failed: ["again", "rotate-cw"],
  refused: ["again", "rotate-cw"],
  lost: ["chooseAgain", "folder-up"],
};
/** Errors that stay however often one tries. */
const IN_VAIN = ["unsupported_type", "bad_name", "bad_size", "is_empty", "too_large", "unreadable"];

export class UploadRow {
  #pace = new Pace();
  #shown = {};
  #picture = "";

  /**
   * @param {import("../uploads/file-upload.js").FileUpload} upload
   * @param {HTMLTemplateElement} template
   */
  constructor(upload, template) {
    this.upload = upload;
    this.element = template.content.cloneNode(true).firstElementChild;
    this.parts = Object.fromEntries(
      [...this.element.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]),
    );
    const { name, size: bytes } = upload;
    this.parts.name.textContent = name;
    this.parts.name.title = name;
    this.parts.size.textContent = size(bytes);
    this.parts.progress.max = bytes;
    this.parts.progress.ariaLabel = name;
    this.parts.ending.textContent = ending(name);
    this.#showPicture();
    this.update();
  }

  /** Brings the row up to date; what has not changed is not touched. */
  update() {
    const { upload } = this;
    this.#keepPace();
    const { tone, icon, label } = chip(upload);
    this.#set("sentence", sentence(upload, this.#pace), (text) => {
      this.parts.sentence.textContent = text;
    });
    this.#set("figures", figures(upload, this.#pace), (text) => {
      this.parts.figures.textContent = text && ` · ${text}`;
    });
    this.#set("chip", `${tone} ${icon}`, () => {
      this.parts.chip.className = `chip tone-${tone}`;
      this.parts.icon.className = `icon icon-${icon}`;
      this.parts.label.textContent = label;
      this.parts.progress.className = `tone-${tone}`;
    });
    const isUnderWay = upload.isWorking || ["paused", "lost"].includes(upload.state);
    this.#set("progress", isUnderWay ? upload.sent : -1, (sent) => {
      this.parts.progress.hidden = sent < 0;
      this.parts.progress.value = Math.max(0, sent);
    });
    this.#set("state", `${upload.state} ${upload.error?.code}`, () => this.#showActions());
  }

  /** Frees what the row holds. */
  close() {
    if (this.#picture) URL.revokeObjectURL(this.#picture);
    this.element.remove();
  }

  #set(key, value, change) {
    if (this.#shown[key] === value) return;
    this.#shown[key] = value;
    change(value);
  }

  #keepPace() {
    const { state, wait, sent } = this.upload;
    if (state === "sending" && !wait) this.#pace.tell(sent, performance.now());
    else this.#pace.stop();
  }

  #showActions() {
    const { state, name, error } = this.upload;
    const [action, icon] = IN_VAIN.includes(error?.code) ? [] : ACTIONS[state] ?? [];
    const { act, end } = this.parts;
    act.hidden = !action;
    if (action) {
      act.dataset.action = action;
      act.ariaLabel = act.title = say(action, { name });
      act.firstElementChild.className = `icon icon-${icon}`;
    }
    end.hidden = ["confirming", "done"].includes(state);
    const isOut = ["refused", "elsewhere"].includes(state);
    end.dataset.action = isOut ? "dismiss" : "cancel";
    end.ariaLabel = end.title = say(end.dataset.action, { name });
  }

  #showPicture() {
    const { file } = this.upload;
    if (!file || !SHOWN_TYPES.test(file.type) || file.size > SHOWN_BYTES) return;
    this.#picture = URL.createObjectURL(file);
    const image = new Image(40, 40);
    image.decoding = "async";
    image.alt = "";
    image.src = this.#picture;
    image.onerror = () => image.remove();
    this.parts.ending.after(image);
  }
}

/** Returns the ending of a name, for the badge. @param {string} name */
function ending(name) {
  const found = /\.([^./]{1,5})$/.exec(name);
  return found ? found[1].slice(0, 4).toLowerCase() : "";
}
