/**
 * The page's one live region. A toast goes by itself, but not while it is pointed at, has the
 * focus, or the tab is hidden.
 *
 * @typedef {{label: string, act: () => void}} Offer what can still be done, such as undo
 */

/** Milliseconds that a toast stays. */
const STAYS = 5000;

/**
 * Shows a text.
 * @param {string | Node[]} text
 * @param {{tone?: "" | "bad", offer?: Offer, gone?: () => void}} [details] `gone` is called when it
 *   goes without the offer having been taken
 * @returns {{close: () => void, takeOffer: () => void}}
 */
export function toast(text, { tone = "", offer, gone } = {}) {
  const region = document.querySelector("[data-toasts]");
  const { content } = document.querySelector("template[data-toast]");
  const element = content.cloneNode(true).firstElementChild;
  element.dataset.tone = tone;
  element.querySelector("[data-text]").replaceChildren(...[text].flat());
  const time = countdown(element, () => finish(gone));
  let isOver = false; // removing it may move the focus, which would start its time again
  const finish = (then) => {
    if (isOver) return;
    isOver = true;
    time.stop();
    element.remove();
    then?.();
  };
  offerIn(element, offer, () => finish(offer.act));
  element.querySelector("[data-close]").onclick = () => finish(gone);
  bringToFront(region);
  region.append(element);
  return { close: () => finish(gone), takeOffer: () => finish(offer?.act) };
}

/** All but an open dialog is inert, so the region moves into it, and out again when it closes. */
function bringToFront(region) {
  const dialog = [...document.querySelectorAll("dialog:modal")].at(-1);
  const host = dialog ?? document.body;
  if (region.parentElement === host) return;
  host.append(region);
  dialog?.addEventListener("close", () => document.body.append(region), { once: true });
}

function offerIn(element, offer, act) {
  const button = element.querySelector("[data-act]");
  if (!offer) return;
  button.textContent = offer.label;
  button.hidden = false;
  button.onclick = act;
}

/** Says a text to screen readers alone. @param {string} text */
export function announce(text) {
  document.querySelector("[data-announcement]").textContent = text;
}

/** Calls `end` after STAYS milliseconds, in which the element was neither used nor out of sight. */
function countdown(element, end) {
  let timer = 0;
  let isStopped = false;
  const isHeld = () => document.hidden || element.matches(":hover, :focus-within");
  const restart = () => {
    clearTimeout(timer);
    if (!isStopped && !isHeld()) timer = setTimeout(end, STAYS);
  };
  const events = ["pointerenter", "pointerleave", "focusin", "focusout"];
  // After the event: a focus that leaves is still inside while it is told.
  for (const type of events) element.addEventListener(type, () => queueMicrotask(restart));
  document.addEventListener("visibilitychange", restart);
  restart();
  return {
    stop() {
      isStopped = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", restart);
    },
  };
}
