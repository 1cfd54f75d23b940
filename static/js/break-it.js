/**
 * Two ways to misuse an upload, for the demo: leave out its last phase, or go on writing to the
 * bucket after it. Both end well, and the page says where to look.
 */

import { decoded, problemAsItIs } from "./picture-file.js";
import { showPicture } from "./pictures.js";
import { beginUpload, confirmUpload, sendToBucket } from "./upload-protocol.js";
import { explain, say, size } from "./words.js";

/**
 * @param {HTMLElement} root
 * @param {string} userId
 * @param {import("./upload-protocol.js").Site} site
 * @param {import("./picture-file.js").Limits} limits
 */
export function offerExperiments(root, userId, site, limits) {
  const signal = new AbortController().signal;

  offer(root.querySelector("[data-experiment=skip]"), limits, async (file) => {
    const permission = await beginUpload(file, site, signal);
    await sendToBucket(permission, file, signal);
    return { text: say("skipDone"), key: permission.key };
  });

  offer(root.querySelector("[data-experiment=again]"), limits, async (file) => {
    const permission = await beginUpload(file, site, signal);
    await sendToBucket(permission, file, signal);
    const avatar = await confirmUpload(permission, site, signal);
    await showPicture(userId, avatar.url, true);
    await sendToBucket(permission, await inverted(file), signal);
    return { text: say("againDone"), key: permission.key };
  });
}

/** Runs the experiment with each file that is chosen in the section. */
function offer(section, limits, experiment) {
  const input = section.querySelector("input[type=file]");
  input.addEventListener("change", async () => {
    const [file] = input.files;
    if (!file || section.ariaBusy === "true") return;
    section.ariaBusy = "true";
    show(section, await outcome(file, limits, experiment));
    section.ariaBusy = "false";
    input.value = "";
  });
}

async function outcome(file, limits, experiment) {
  const problem = await problemAsItIs(file, limits);
  const values = { name: file.name, size: size(file.size), limit: size(limits.maxBytes) };
  if (problem) return { text: say(problem, values), isError: true };
  try {
    return await experiment(file);
  } catch (error) {
    return { text: explain(error), isError: true };
  }
}

function show(section, { text, key = "", isError = false }) {
  const result = section.querySelector("[data-result]");
  result.className = `note note-${isError ? "error" : "success"}`;
  result.hidden = false;
  section.querySelector("[data-result-text]").textContent = text;
  const line = section.querySelector("[data-result-key]");
  line.hidden = !key;
  line.querySelector("a").search = new URLSearchParams({ prefix: key });
}

/** Returns the picture with inverted colours, or the file itself where this browser cannot. */
async function inverted(file) {
  const picture = await decoded(file);
  if (!picture) return file;
  const canvas = document.createElement("canvas");
  canvas.width = Math.min(picture.naturalWidth, 512);
  canvas.height = Math.min(picture.naturalHeight, 512);
  const context = canvas.getContext("2d");
  context.filter = "invert(1)";
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(picture.src);
  return new Promise((done) => canvas.toBlob(done, file.type));
}
