/**
 * Menus are popovers, which the browser opens, closes and puts beside their button by itself.
 * Here is what it leaves out: arrow keys, and the place where it knows no anchors yet.
 */

const PLACES_ITSELF = CSS.supports("position-area", "block-end");
const STEPS = { ArrowDown: 1, ArrowUp: -1 };
const GAP = 4;

export function listenToMenus() {
  document.addEventListener("toggle", onToggle, true);
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", closeAfterUse);
}

/** @param {ToggleEvent} event */
function onToggle(event) {
  const menu = event.target;
  if (!menu.matches(".menu") || event.newState !== "open" || PLACES_ITSELF) return;
  const button = document.activeElement?.closest(`[popovertarget="${menu.id}"]`);
  if (button && innerWidth >= 640) place(menu, button);
}

/** Puts the menu below its button, or above where there is no room. */
function place(menu, button) {
  const at = button.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const isRightToLeft = getComputedStyle(menu).direction === "rtl";
  const left = isRightToLeft ? at.left : at.right - width;
  const below = at.bottom + GAP;
  const top = below + height < innerHeight ? below : at.top - height - GAP;
  menu.style.margin = "0";
  menu.style.inset = `${Math.max(GAP, top)}px auto auto ${Math.max(GAP, left)}px`;
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  const step = STEPS[event.key];
  const open = step && document.querySelector(".menu:popover-open");
  if (!open) return;
  const items = [...open.querySelectorAll(".menu-item")].filter((item) => item.checkVisibility());
  const at = items.indexOf(document.activeElement);
  const next = at < 0 && step < 0 ? items.length - 1 : at + step;
  items.at(next % items.length)?.focus();
  event.preventDefault();
}

/** A menu goes once one of its items was used; focus is back on its button before the item acts. */
function closeAfterUse(event) {
  const item = event.target.closest?.(".menu-item");
  item?.closest(".menu:popover-open")?.hidePopover();
}
