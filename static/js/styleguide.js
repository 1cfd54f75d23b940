/** Opens what only shows itself when something happens. */

import { ask } from "./parts/dialog.js";
import { toast } from "./parts/toast.js";

const on = (name, show) => {
  document.querySelector(`[data-show-${name}]`).addEventListener("click", show);
};
const drawer = document.getElementById("sample-drawer");
const veil = document.querySelector("[data-drop-veil]");

document.querySelector("[data-dropzone]").hidden = false;
on("toast", () => toast("contract-final.pdf is deleted.", {
  offer: { label: "Undo", act: () => toast("It is back.") },
}));
on("bad-toast", () => toast("The file could not be deleted. Try again.", { tone: "bad" }));
on("dialog", () => ask("sample-dialog"));
on("drawer", () => drawer.showModal());
drawer.querySelector("[data-close]").addEventListener("click", () => drawer.close());
on("veil", () => {
  veil.hidden = false;
  setTimeout(() => { veil.hidden = true; }, 2000);
});
