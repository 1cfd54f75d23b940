/**
 * An upload as people read it: tone and icon of its chip, and a sentence.
 *
 * @typedef {import("../uploads/file-upload.js").FileUpload} FileUpload
 */

import { explain, percentage, say, size } from "../words.js";

const CHIPS = {
  queued: ["none", "clock"],
  starting: ["p1", "hourglass"],
  sending: ["p2", "upload"],
  confirming: ["p3", "loader-circle"],
  done: ["p3", "circle-check"],
  paused: ["none", "circle-pause"],
  refused: ["bad", "ban"],
  failed: ["bad", "triangle-alert"],
  lost: ["p2", "history"],
  elsewhere: ["none", "files"],
  offline: ["none", "wifi-off"],
  busy: ["none", "clock"],
};

/** What is said of a state without figures. */
const SENTENCES = {
  queued: "queuedMore",
  starting: "startingMore",
  confirming: "confirmingMore",
  done: "doneMore",
  elsewhere: "elsewhereMore",
};

/** @param {FileUpload} upload @returns {{tone: string, icon: string, label: string}} */
export function chip(upload) {
  const state = upload.wait?.kind ?? upload.state;
  const [tone, icon] = CHIPS[state];
  return { tone, icon, label: say(state) };
}

/**
 * @param {FileUpload} upload
 * @param {import("../uploads/pace.js").Pace} pace its own
 */
export function sentence(upload, pace) {
  if (upload.wait) return waiting(upload.wait);
  const amounts = { sent: size(upload.sent), size: size(upload.size) };
  switch (upload.state) {
    case "sending": return joined([
      percentage(upload.sent / upload.size),
      say("sentOf", amounts),
      left(pace.left(upload.size - upload.sent)),
    ]);
    case "paused": return upload.sent ? say("pausedMore", amounts) : say("pausedNone");
    case "lost": return lost(upload, amounts);
    case "refused":
    case "failed": return reason(upload);
    default: return say(SENTENCES[upload.state]);
  }
}

function waiting({ kind, seconds }) {
  if (kind === "offline") return say("offlineMore");
  return seconds ? say("busyUntil", { time: duration(seconds) }) : say("busyMore");
}

/** What there is to say besides, where there is room for it. */
export function figures(upload, pace) {
  if (upload.wait || upload.state !== "sending") return "";
  const number = Math.min(upload.arrivedParts + 1, upload.partCount);
  return joined([
    pace.rate ? say("aSecond", { size: size(pace.rate) }) : "",
    upload.partCount > 1 ? say("partOf", { number, all: upload.partCount }) : "",
  ]);
}

/** @param {string[]} texts some of them empty */
export function joined(texts) {
  return texts.filter(Boolean).join(" · ");
}

function lost(upload, amounts) {
  if (!upload.sent) return say("lostAll");
  return say(upload.handle ? "lostHandle" : "lostMore", amounts);
}

/** @param {FileUpload} upload */
function reason({ error, size: bytes }) {
  if (error.code === "unreadable") return say("unreadable");
  if (error.code === "ended_elsewhere") return say("endedElsewhere");
  if (error.code === "is_empty") return say("isEmpty");
  if (error.code !== "too_large") return explain(error);
  return say("tooLarge", { size: size(bytes), limit: size(error.answer.limit) });
}

/** Returns a time that is left, empty where nobody knows. @param {number} seconds */
export function left(seconds) {
  if (!seconds) return "";
  if (seconds < 60) return say("secondsLeft", { number: Math.ceil(seconds) });
  if (seconds < 3600) return say("minutesLeft", { number: Math.round(seconds / 60) });
  return say("hoursLeft", { number: Math.round(seconds / 360) / 10 });
}

function duration(seconds) {
  if (seconds < 100) return say("seconds", { number: Math.ceil(seconds) });
  return say("minutes", { number: Math.ceil(seconds / 60) });
}
