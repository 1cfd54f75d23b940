/** The drawer with a file's details, and what is done there: versions restored and deleted. */

import { offerCopies } from "../parts/copy.js";
import { ask } from "../parts/dialog.js";
import { Drawer } from "../parts/drawer.js";
import { toast } from "../parts/toast.js";
import { say } from "../words.js";

/**
 * Opens details in a drawer where the page has one; on the page of a file they stand by themselves.
 * @param {{list: import("./file-list.js").FileList, csrfToken: string}} page
 */
export function offerDetails({ list, csrfToken }) {
  const drawer = new Drawer(document.getElementById("file-drawer"));
  drawer.onShow = (body) => {
    offerCopies(body);
    const deletion = body.querySelector("[data-delete]");
    if (deletion) deletion.onclick = (event) => {
      event.preventDefault();
      const { href } = event.currentTarget;
      const { file, name } = body.querySelector("[data-file]").dataset;
      drawer.close();
      list.remove(file, name, href);
    };
  };
  list.root.addEventListener("click", async (event) => {
    const link = followed(event);
    if (link && !(await drawer.open(link.href))) toast(say("loadFailed"), { tone: "bad" });
  });
  drawer.body.addEventListener("click", async (event) => {
    const link = followed(event);
    if (!link) return;
    if (await drawer.load(link.href)) history.replaceState({ drawer: link.href }, "", link.href);
    else toast(say("loadFailed"), { tone: "bad" });
  });
  listenToForms(drawer);
  listenToVersions(drawer.body, csrfToken, async () => {
    list.refresh();
    if (!(await drawer.load(location.href))) drawer.close();
  });
}

/**
 * Returns the link to a page for the drawer that was clicked, and keeps the browser from following
 * it; null where it was another one, or is wanted in a tab of its own.
 * @param {MouseEvent} event
 * @returns {HTMLAnchorElement | null}
 */
function followed(event) {
  const link = event.target.closest("a[data-details]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return null;
  event.preventDefault();
  return link;
}

/**
 * Sends forms whose answer is a page for the drawer, and shows that.
 * @param {Drawer} drawer
 */
function listenToForms(drawer) {
  drawer.body.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("[data-swap]")) return;
    event.preventDefault();
    const body = new URLSearchParams(new FormData(form));
    const request = { method: "POST", body, headers: { Accept: "text/html" } };
    const answer = await fetch(form.action, request).catch(() => null);
    const text = await answer?.text().catch(() => "");
    const page = new DOMParser().parseFromString(text ?? "", "text/html");
    if (!drawer.show(page)) toast(say("changeFailed"), { tone: "bad" });
  });
}

/**
 * Sends the forms of versions without leaving the page.
 * @param {HTMLElement} root
 * @param {string} csrfToken
 * @param {() => void} done
 */
function listenToVersions(root, csrfToken, done) {
  root.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("[data-version]")) return;
    event.preventDefault();
    const isDeletion = form.dataset.version === "delete";
    if (isDeletion && !(await ask("version-dialog"))) return;
    const headers = { Accept: "application/json", "X-CSRFToken": csrfToken };
    const request = { method: "POST", headers, redirect: "manual" };
    const answer = await fetch(form.action, request).catch(() => null);
    const told = await answer?.json().catch(() => null);
    if (!answer?.ok) {
      toast(told?.error?.message ?? say("changeFailed"), { tone: "bad" });
      return;
    }
    const restored = answer.status === 202 ? "versionCopied" : "versionRestored";
    toast(say(isDeletion ? "versionDeleted" : restored));
    done();
  });
}
