/** Buttons that copy the value beside them. They stay hidden where the browser has no clipboard. */

import { toast } from "./toast.js";

/** @param {ParentNode} [root] where to look for them; a drawer brings new ones */
export function offerCopies(root = document) {
  if (!navigator.clipboard) return;
  for (const part of root.querySelectorAll("[data-copy]")) {
    const button = part.querySelector("button");
    button.hidden = false;
    button.onclick = async () => {
      await navigator.clipboard.writeText(part.dataset.copy);
      toast(button.dataset.said);
    };
  }
}
