/** What the files page starts with: joins the queue, the card of uploads and the list. */

import { ask } from "../parts/dialog.js";
import { announce, toast } from "../parts/toast.js";
import { UploadApi } from "../uploads/api.js";
import { Arrivals } from "../uploads/arrivals.js";
import { carriesFiles, chosen, dropped, pasted, pick } from "../uploads/collecting.js";
import { UploadQueue } from "../uploads/queue.js";
import { say, size } from "../words.js";
import { offerDetails } from "./details.js";
import { FileList } from "./file-list.js";
import { UploadCard } from "./upload-card.js";

const root = document.querySelector("[data-files-page]");
const { owner, beginUrl, partsUrl, stateUrl, confirmUrl, abortUrl, progressUrl } = root.dataset;
const csrfToken = root.querySelector("[name=csrfmiddlewaretoken]").value;
const { maxBytes, multipartBytes } = root.dataset;
const limits = { bytes: Number(maxBytes), multipart: Number(multipartBytes) };
const urls = {
  begin: beginUrl, parts: partsUrl, state: stateUrl, confirm: confirmUrl, abort: abortUrl,
};
const [filesInput, folderInput, againInput] = ["files", "folder", "again"]
  .map((name) => root.querySelector(`[data-input=${name}]`));

const queue = new UploadQueue(new UploadApi(urls, csrfToken), owner, limits, onChange);
const card = new UploadCard(root.querySelector("[data-uploads]"), queue, {
  act,
  finished: () => list.refresh(),
});
const arrivals = new Arrivals(progressUrl, onArrivals);
const list = new FileList(root.querySelector("[data-list]"), csrfToken, onList);
/** @typedef {import("../uploads/file-upload.js").FileUpload} FileUpload */
/** @type {FileUpload | null} whose file is being chosen again */
let wanted = null;
let isWarning = false;

offerDetails({ list, csrfToken });
listenToChoices();
listenToDrags();
showWhatNeedsScripts();
if (!("webkitdirectory" in folderInput) || matchMedia("(pointer: coarse)").matches) {
  root.querySelector("[data-choose-folder]").hidden = true;
}
watchNewRows(list.root);
recall();

// --- choosing -----------------------------------------------------------------------------------

/** @param {import("../uploads/collecting.js").Found[]} found */
function take(found) {
  if (!found.length) return;
  const { added, doubles } = queue.add(found);
  for (const name of doubles.slice(0, 1)) toast(say("doubles", { name }));
  if (added.length === 1) announce(say("begunOne", { name: added[0].name }));
  else if (added.length) announce(say("begun", { number: added.length }));
  card.refresh();
}

function listenToChoices() {
  root.addEventListener("click", async (event) => {
    if (event.target.closest("[data-choose-files]")) take(await pick(filesInput));
    else if (event.target.closest("[data-choose-folder]")) folderInput.click();
  });
  for (const input of [filesInput, folderInput]) {
    input.addEventListener("change", () => {
      take(chosen(input.files));
      input.value = ""; // so that choosing the same file again is a change, too
    });
  }
  againInput.addEventListener("change", () => {
    const [found] = chosen(againInput.files);
    againInput.value = "";
    if (found) chooseAgain(found);
  });
  document.addEventListener("paste", (event) => {
    const nameOf = (time) => say("pastedName", { time });
    if (carriesFiles(event.clipboardData)) take(pasted(event.clipboardData, nameOf));
  });
}

function listenToDrags() {
  const veil = root.querySelector("[data-drop-veil]");
  const show = (isOver) => { veil.hidden = !isOver; };
  for (const type of ["dragenter", "dragover"]) {
    document.addEventListener(type, (event) => {
      if (!carriesFiles(event.dataTransfer)) return;
      event.preventDefault(); // a file that is dropped would open in place of the page
      event.dataTransfer.dropEffect = "copy";
      show(true);
    });
  }
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) show(false); });
  document.addEventListener("drop", async (event) => {
    show(false);
    if (!carriesFiles(event.dataTransfer)) return;
    event.preventDefault();
    let number = 0;
    await dropped(event.dataTransfer, limits.multipart, (found) => {
      number += found.length;
      take(found);
    });
    if (!number) toast(say("nothingFound"));
  });
}

// --- uploads ------------------------------------------------------------------------------------

function onChange(upload) {
  if (upload.state === "done") onDone(upload);
  const isBad = ["refused", "failed"].includes(upload.state);
  if (isBad) announce(`${upload.name}: ${say(upload.state)}`);
  card.changed(upload);
  warnBeforeLeaving(queue.isUnfinished);
}

function onDone(upload) {
  arrivals.watch(upload.lastId, upload.name);
  list.refresh();
}

/** @param {string} action @param {FileUpload} upload */
async function act(action, upload) {
  switch (action) {
    case "pause": return upload.pause();
    case "goOn":
    case "again": return queue.goOn(upload);
    case "chooseAgain": return findAgain(upload);
    case "dismiss": return queue.dismiss(upload);
    default: {
      const isGone = await queue.cancel(upload);
      if (!isGone) toast(say("arrivedAlready", { name: upload.name }));
      return list.refresh();
    }
  }
}

/** Takes the file from its handle, where the browser has one and the user lets it. */
async function findAgain(upload) {
  const file = await fromHandle(upload.handle);
  if (file && upload.fits(file, upload.name)) return queue.goOn(upload, file);
  wanted = upload;
  return againInput.click();
}

async function fromHandle(handle) {
  try {
    const mode = { mode: "read" };
    const isAllowed = (await handle?.queryPermission(mode)) === "granted"
      || (await handle?.requestPermission(mode)) === "granted";
    return isAllowed ? await handle.getFile() : null;
  } catch {
    return null; // moved, deleted, or no longer the user's click
  }
}

function chooseAgain({ file }) {
  // What came from a folder has its path before the name; a file that is chosen has none.
  const isNamedSo = wanted.name.slice(wanted.name.lastIndexOf("/") + 1) === file.name;
  if (isNamedSo && wanted.fits(file, wanted.name)) queue.goOn(wanted, file);
  else toast(say("otherFile", { name: wanted.name, size: size(wanted.size) }), { tone: "bad" });
}

root.querySelector("[data-pause-all]").onclick = () => queue.pauseAll();
root.querySelector("[data-go-on-all]").onclick = () => queue.goOnAll();
root.querySelector("[data-cancel-all]").onclick = async () => {
  if (await ask("cancel-dialog")) await queue.cancelAll();
};

/** Shows what earlier sessions left; the server lists what other browsers left. */
async function recall() {
  const found = await queue.recall();
  for (const upload of found) {
    root.querySelector(`[data-unfinished="${CSS.escape(upload.id)}"]`)?.remove();
  }
  const others = root.querySelector("[data-others]");
  if (others && !others.querySelector("[data-unfinished]")) others.hidden = true;
  if (found.length) card.refresh();
  await Promise.all(found.filter((upload) => upload.state === "lost").map(async (upload) => {
    await upload.look();
    if (!upload.id) queue.dismiss(upload);
    if (upload.result) list.refresh();
    else if (upload.id && upload.handle) await goOnByItself(upload);
  }));
}

/** Goes on without a click where the browser still lets the page read the file. */
async function goOnByItself(upload) {
  const permission = await upload.handle.queryPermission?.({ mode: "read" }).catch(() => "");
  if (permission !== "granted") return;
  const file = await upload.handle.getFile().catch(() => null);
  if (file && upload.fits(file, upload.name)) queue.goOn(upload, file);
}

// --- afterwards ---------------------------------------------------------------------------------

function showWhatNeedsScripts() {
  const hidden = root.querySelectorAll("[data-needs-script], [data-dropzone]");
  for (const element of hidden) element.hidden = false;
}

function onList(area) {
  showWhatNeedsScripts();
  card.listShown();
  watchNewRows(area);
}

function watchNewRows(area) {
  for (const { dataset } of area.querySelectorAll("[data-awaited]")) {
    arrivals.watch(dataset.upload, dataset.name);
  }
}

/** Preview and checksum are the list's to show; a refusal is told. */
function onArrivals(changes) {
  for (const { name, state } of changes) {
    if (state === "refused") toast(say("refusedLater", { name }), { tone: "bad" });
  }
  list.refresh();
}

/** Only while there is something to lose: a page with this listener cannot be kept for Back. */
function warnBeforeLeaving(isNeeded) {
  if (isNeeded === isWarning) return;
  isWarning = isNeeded;
  if (isNeeded) addEventListener("beforeunload", warn);
  else removeEventListener("beforeunload", warn);
}

function warn(event) {
  event.preventDefault();
}
