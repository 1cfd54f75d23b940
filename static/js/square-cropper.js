/**
 * A square window over a picture that is moved and zoomed beneath it. Cropper.js draws and handles
 * pointers; the limits, the keyboard and the output are here.
 */

import { decoded } from "./picture-file.js";

/** Pixels of the largest square that is sent; pages show 512 at most, on dense screens. */
const LARGEST_SIDE = 1024;
const MOST_ZOOM = 8;
/** How far an arrow key moves the picture, as a part of the window. */
const STEP = 0.02;
const LONG_STEP = 0.15;
const ZOOM_STEP = 1.12;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const ZOOM_KEYS = { "+": ZOOM_STEP, "=": ZOOM_STEP, "-": 1 / ZOOM_STEP, "_": 1 / ZOOM_STEP };

/**
 * Opens a file for cropping.
 * @param {HTMLElement} area where the cropper goes
 * @param {Blob} file
 * @param {string} label the crop area's accessible name
 * @returns {Promise<SquareCropper | null>} null when this browser cannot show the file
 */
export async function openCropper(area, file, label) {
  // Loaded when it is needed: most visits to the page change no picture.
  const [picture] = await Promise.all([
    decoded(file),
    import("../vendor/cropperjs-2.2.0/cropper.esm.min.js"),
  ]);
  if (!picture) return null;
  const cropper = new SquareCropper(area, picture, file.type, label);
  await cropper.ready();
  return cropper;
}

class SquareCropper {
  #area;
  #picture;
  #type;
  #canvas;
  #image;
  #loaded;
  /** The window's side in CSS pixels. */
  #side = 0;
  #isShowing = false;
  #observer = new ResizeObserver(() => this.#refit());
  /** Called with the zoom, 0 to 1, whenever it changes. */
  onZoom = (_zoom) => {};

  constructor(area, picture, type, label) {
    this.#area = area;
    this.#picture = picture;
    this.#type = type;
    this.#canvas = this.#canvasElement(label);
    this.#image = this.#canvas.querySelector("cropper-image");
    area.replaceChildren(this.#canvas);
    area.hidden = false;
    this.#loaded = loaded(this.#image.$image);
  }

  async ready() {
    // Not $ready(): an image that is complete early is centred once more at its load event, which
    // would undo what the user has done by then. This promise was made after Cropper.js listened.
    await this.#loaded;
    this.#side = this.#area.clientWidth;
    this.#image.addEventListener("transform", (event) => this.#keepCovered(event));
    this.#canvas.addEventListener("keydown", (event) => this.#onKey(event));
    this.#observer.observe(this.#area);
    this.#centre();
  }

  focus() {
    this.#canvas.focus({ preventScroll: true });
  }

  /** Sets the zoom, 0 (all of it) to 1, about the window's middle. */
  set zoom(zoom) {
    this.#zoomBy((this.#leastScale * MOST_ZOOM ** zoom) / this.#view.scale);
  }

  /** Keeps the picture where it is while it is being uploaded. */
  freeze() {
    this.#canvas.inert = true;
  }

  close() {
    this.#observer.disconnect();
    this.#area.replaceChildren();
    this.#area.hidden = true;
    URL.revokeObjectURL(this.#picture.src);
  }

  /**
   * Returns the square in the window as a file, never larger than it was in the picture.
   * @param {import("./picture-file.js").Limits} limits
   * @param {AbortSignal} signal
   * @returns {Promise<Blob | null>} null when no encoding fits the limits
   * @throws the signal's reason
   */
  async square({ maxBytes, contentTypes }, signal) {
    const side = Math.min(LARGEST_SIDE, Math.round(this.#side / this.#view.scale)) || 1;
    for (const [type, quality, part] of encodings(this.#type)) {
      const canvas = await this.#drawn(Math.ceil(side * part), type);
      const blob = await encoded(canvas, type, quality, signal);
      // A browser that cannot write a type writes PNG instead, and says so in blob.type.
      if (blob && blob.size <= maxBytes && contentTypes.includes(blob.type)) return blob;
    }
    return null;
  }

  #drawn(side, type) {
    return this.#canvas.$toCanvas({
      width: side,
      height: side,
      beforeDraw(context) {
        context.imageSmoothingQuality = "high";
        if (type !== "image/jpeg") return;
        context.fillStyle = "white"; // JPEG knows no transparency: it would come out black
        context.fillRect(0, 0, side, side);
      },
    });
  }

  #canvasElement(label) {
    const canvas = document.createElement("cropper-canvas");
    const image = document.createElement("cropper-image");
    const handle = document.createElement("cropper-handle");
    image.setAttribute("scalable", "");
    image.setAttribute("translatable", "");
    image.setAttribute("src", this.#picture.src);
    image.setAttribute("aria-hidden", "true"); // the canvas around it has the name
    handle.setAttribute("action", "move");
    handle.setAttribute("plain", "");
    canvas.append(image, handle);
    canvas.tabIndex = 0;
    // An application: screen readers leave the arrow keys to it.
    canvas.setAttribute("role", "application");
    canvas.setAttribute("aria-label", label);
    canvas.setAttribute("aria-describedby", "crop-hint");
    return canvas;
  }

  // --- where the picture is ---------------------------------------------------------------------
  // A view says how large the picture is shown and where its top left corner lies in the window.
  // Cropper.js keeps the same as a matrix about the picture's middle.

  get #view() {
    return this.#viewOf(this.#image.$getTransform());
  }

  #viewOf([scale, , , , e, f]) {
    const { naturalWidth: width, naturalHeight: height } = this.#picture;
    return { scale, x: e + (width / 2) * (1 - scale), y: f + (height / 2) * (1 - scale) };
  }

  #matrixOf({ scale, x, y }) {
    const { naturalWidth: width, naturalHeight: height } = this.#picture;
    const [e, f] = [x - (width / 2) * (1 - scale), y - (height / 2) * (1 - scale)];
    return [scale, 0, 0, scale, e, f];
  }

  #show(view) {
    const allowed = this.#limited(view);
    this.#isShowing = true;
    this.#image.$setTransform(this.#matrixOf(allowed));
    this.#isShowing = false;
    this.onZoom(Math.log(allowed.scale / this.#leastScale) / Math.log(MOST_ZOOM));
  }

  /** The scale at which the picture just covers the window. */
  get #leastScale() {
    return this.#side / Math.min(this.#picture.naturalWidth, this.#picture.naturalHeight);
  }

  /** Returns the nearest view in which the picture covers the whole window. */
  #limited({ scale, x, y }) {
    const least = this.#leastScale;
    const allowed = clamp(scale, least, least * MOST_ZOOM);
    // Where the zoom hits its limit, the middle stays the middle.
    const middle = this.#side / 2;
    const keep = (at) => middle - ((middle - at) * allowed) / scale;
    const { naturalWidth: width, naturalHeight: height } = this.#picture;
    return {
      scale: allowed,
      x: clamp(keep(x), this.#side - width * allowed, 0),
      y: clamp(keep(y), this.#side - height * allowed, 0),
    };
  }

  /** Answers every change that Cropper.js wants by pointer or wheel with one inside the limits. */
  #keepCovered(event) {
    if (this.#isShowing) return;
    event.preventDefault();
    const wanted = this.#viewOf(event.detail.matrix);
    const isZoomAtItsLimit = this.#limited(wanted).scale !== wanted.scale
      && this.#limited(wanted).scale === this.#view.scale;
    if (!isZoomAtItsLimit) this.#show(wanted);
  }

  #centre() {
    const scale = this.#leastScale;
    const { naturalWidth: width, naturalHeight: height } = this.#picture;
    const at = (length) => (this.#side - length * scale) / 2;
    this.#show({ scale, x: at(width), y: at(height) });
  }

  #move(x, y) {
    const view = this.#view;
    this.#show({ ...view, x: view.x + x, y: view.y + y });
  }

  #zoomBy(factor) {
    const { scale, x, y } = this.#view;
    const middle = this.#side / 2;
    const keep = (at) => middle - (middle - at) * factor;
    this.#show({ scale: scale * factor, x: keep(x), y: keep(y) });
  }

  /** Shows the same square when the window itself has become larger or smaller. */
  #refit() {
    const ratio = this.#area.clientWidth / this.#side;
    if (!ratio || ratio === 1) return;
    const { scale, x, y } = this.#view;
    this.#side = this.#area.clientWidth;
    this.#show({ scale: scale * ratio, x: x * ratio, y: y * ratio });
  }

  /** Cropper.js listens on the whole document, which would take the arrow keys from the page. */
  #onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = this.#side * (event.shiftKey ? LONG_STEP : STEP);
    if (event.key in ARROWS) this.#move(...ARROWS[event.key].map((to) => to * step));
    else if (event.key in ZOOM_KEYS) this.#zoomBy(ZOOM_KEYS[event.key]);
    else return;
    event.preventDefault();
  }
}

/** Settles at the image's next load or error event, after those who listened before. */
function loaded(image) {
  return new Promise((resolve, reject) => {
    image.addEventListener("load", resolve, { once: true });
    image.addEventListener("error", () => reject(new Error("unreadable picture")), { once: true });
  });
}

/** Returns the canvas as a file, or rejects as soon as the signal aborts: large ones take time. */
function encoded(canvas, type, quality, signal) {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    canvas.toBlob(resolve, type, quality);
  });
}

/** Yields [type, quality, part of the side], the best for this kind of picture first. */
function* encodings(sourceType) {
  const written = ["image/jpeg", "image/png", "image/webp"];
  yield [written.includes(sourceType) ? sourceType : "image/webp", 0.92, 1];
  yield ["image/webp", 0.85, 1];
  yield ["image/jpeg", 0.85, 1];
  yield ["image/jpeg", 0.8, 0.5];
  yield ["image/jpeg", 0.8, 0.25];
}

function clamp(number, least, most) {
  return Math.min(Math.max(number, least), most);
}
