/**
 * An upload in three phases. Nothing in this file knows the page, so it reads as the protocol does:
 *
 *   1. begin    the site hands out a presigned POST: one key, one type, a size limit, a few minutes
 *   2. send     the browser posts the file straight to the bucket, where it is pending
 *   3. confirm  the site checks it, writes the picture anew and points the item at it
 *
 * Every phase can be repeated without harm. A phase that got no answer is repeated a few times
 * here; whatever still fails can be taken up again later with `Upload.run`. What is never
 * confirmed goes by itself: the bucket expires it.
 *
 * The modules import each other by relative paths: with no build step and no import map (an inline
 * one would break the CSP). In production `config/static.py` rewrites the paths to hashed names.
 *
 * @typedef {{beginUrl: string, confirmUrl: string, csrfToken: string}} Site
 * @typedef {{url: string, fields: Record<string, string>, key: string, upload_token: string,
 *   expires_at: string, max_bytes: number}} Permission
 * @typedef {{url: string, content_type: string, size: number, width: number, height: number}} Avatar
 * @typedef {"begin" | "send" | "confirm"} Phase
 * @typedef {{phase?: (phase: Phase) => void, progress?: (fraction: number) => void,
 *   retry?: () => void, renewal?: () => void}} Report
 */

/** Milliseconds before the second, third and fourth attempt; a random part is taken off. */
const PAUSES = [600, 1500, 3500];
/** Milliseconds without any sign of life after which a request counts as lost. */
const PATIENCE = 30_000;
/** Seconds. A longer Retry-After is for the user to wait, not for this page. */
const LONGEST_RETRY_AFTER = 10;

/** Failures after which the very same request may well succeed. */
const PASSING_CODES = new Set([
  "network", "conflict", "not_uploaded", "unavailable", "RequestTimeout",
]);
const PASSING_STATUSES = new Set([429, 502, 503, 504]);
/** Failures that this file, or this session, meets again however often it is tried. */
const FINAL_CODES = new Set(["bad_image", "signed_out", "EntityTooLarge", "EntityTooSmall"]);
const FINAL_STATUSES = new Set([400, 401, 403, 413, 415, 422]);

/** A phase failed. `message` is in the user's words where the site wrote it, else empty. */
export class UploadError extends Error {
  /**
   * @param {Phase} phase
   * @param {string} code from the site or from S3; "network" when there was no answer
   * @param {{status?: number, message?: string, retryAfter?: number}} [details]
   */
  constructor(phase, code, { status = 0, message = "", retryAfter = 0 } = {}) {
    super(message);
    this.name = "UploadError";
    this.phase = phase;
    this.code = code;
    this.status = status;
    this.retryAfter = retryAfter;
  }

  /** Whether the same request may succeed in a moment. */
  get isPassing() {
    if (this.retryAfter > LONGEST_RETRY_AFTER) return false;
    const bucketTrouble = this.phase === "send" && this.status >= 500;
    return bucketTrouble || PASSING_CODES.has(this.code) || PASSING_STATUSES.has(this.status);
  }

  /** Whether trying again is pointless with this file and this session. */
  get isFinal() {
    return FINAL_CODES.has(this.code)
      || (this.phase !== "send" && FINAL_STATUSES.has(this.status));
  }

  /** Whether the site refused the confirmation, so that only a new upload helps. */
  get needsNewUpload() {
    const isRefusal = this.status >= 400 && this.status < 500 && this.status !== 429;
    return this.phase === "confirm" && isRefusal && this.code !== "conflict";
  }

  /** Whether the bucket refused the form itself, as it does when the policy has expired. */
  get isRefusedPolicy() {
    return this.phase === "send" && this.status === 403;
  }
}

/** One file on its way. After a failure `run` goes on with the phase that is still to do. */
export class Upload {
  /** @type {Permission | null} */
  #permission = null;
  #isInBucket = false;

  /**
   * @param {Blob} file
   * @param {Site} site
   * @param {Report} [report] called as the upload gets on
   */
  constructor(file, site, report = {}) {
    this.file = file;
    this.site = site;
    this.report = report;
  }

  /**
   * Runs the phases that are still to do.
   * @param {AbortSignal} signal
   * @returns {Promise<Avatar>}
   * @throws {UploadError} or the signal's reason
   */
  async run(signal) {
    const permission = this.#isInBucket ? this.#permission : await this.#bringToBucket(signal);
    try {
      return await confirmUpload(permission, this.site, signal, this.report);
    } catch (error) {
      if (error.needsNewUpload) this.#forget();
      throw error;
    }
  }

  /** Phases 1 and 2. A refused policy is renewed once: it has expired while the user cropped. */
  async #bringToBucket(signal) {
    try {
      return await this.#beginAndSend(signal);
    } catch (error) {
      if (!error.isRefusedPolicy) throw error;
      this.#forget();
      this.report.renewal?.();
      return this.#beginAndSend(signal);
    }
  }

  async #beginAndSend(signal) {
    this.#permission ??= await beginUpload(this.file, this.site, signal, this.report);
    await sendToBucket(this.#permission, this.file, signal, this.report);
    this.#isInBucket = true;
    return this.#permission;
  }

  #forget() {
    this.#permission = null;
    this.#isInBucket = false;
  }
}

/**
 * Phase 1: asks the site for a presigned POST.
 * @param {Blob} file
 * @param {Site} site
 * @param {AbortSignal} signal
 * @param {Report} [report]
 * @returns {Promise<Permission>}
 */
export function beginUpload(file, site, signal, report = {}) {
  report.phase?.("begin");
  const question = { content_type: file.type, size: file.size };
  return repeating(() => ask("begin", site.beginUrl, question, site, signal), signal, report);
}

/**
 * Phase 2: posts the file to the bucket, as the form that phase 1 returned.
 * @param {Permission} permission
 * @param {Blob} file
 * @param {AbortSignal} signal
 * @param {Report} [report]
 * @returns {Promise<void>}
 */
export function sendToBucket(permission, file, signal, report = {}) {
  report.phase?.("send");
  return repeating(() => post(permission, file, signal, report), signal, report);
}

/**
 * Phase 3: tells the site that the file is in the bucket.
 * @param {Permission} permission
 * @param {Site} site
 * @param {AbortSignal} signal
 * @param {Report} [report]
 * @returns {Promise<Avatar>}
 */
export async function confirmUpload(permission, site, signal, report = {}) {
  report.phase?.("confirm");
  const question = { key: permission.key, upload_token: permission.upload_token };
  const { avatar } = await repeating(
    () => ask("confirm", site.confirmUrl, question, site, signal), signal, report,
  );
  return avatar;
}

/** Does the work, and does it again while its failure looks like one that passes. */
async function repeating(work, signal, report) {
  for (const pause of PAUSES) {
    try {
      return await work();
    } catch (error) {
      if (!error.isPassing) throw error;
      report.retry?.();
      await sleep(error.retryAfter * 1000 || pause * (0.5 + Math.random() / 2), signal);
    }
  }
  return work();
}

/** POSTs JSON to the site and returns its JSON, or throws what went wrong. */
async function ask(phase, url, question, site, signal) {
  let response;
  let answer;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: {
        Accept: "application/json",
        "Content-Type": "application/json",
        "X-CSRFToken": site.csrfToken,
      },
      body: JSON.stringify(question),
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]),
    });
    answer = parsed(await response.text());
  } catch {
    signal.throwIfAborted();
    throw new UploadError(phase, "network");
  }
  // The only redirect there is leads to the login page.
  if (response.type === "opaqueredirect") throw new UploadError(phase, "signed_out");
  if (response.ok && answer) return answer;
  throw new UploadError(phase, answer?.error?.code ?? "unexpected", {
    status: response.status,
    message: answer?.error?.message,
    retryAfter: Number(response.headers.get("Retry-After")) || 0,
  });
}

/** Returns the JSON, or null where it is none (an error page of a proxy, for one). */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** POSTs the form to the bucket. XMLHttpRequest, since fetch does not tell how far an upload is. */
function post({ url, fields }, file, signal, report) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  // S3 ignores every field that comes after the file.
  // https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
  form.append("file", file, "picture");

  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    const watch = watchdog(PATIENCE, abort);
    signal.addEventListener("abort", abort, { once: true });
    request.upload.onprogress = ({ loaded, total }) => {
      watch.signOfLife();
      report.progress?.(loaded / total);
    };
    // Also after success: whichever way the request ended, its status tells.
    request.onloadend = () => {
      watch.end();
      signal.removeEventListener("abort", abort);
      if (signal.aborted) reject(signal.reason);
      else if (request.status >= 200 && request.status < 300) resolve();
      else reject(bucketError(request));
    };
    request.open("POST", url);
    request.send(form);
  });
}

/** Returns the error that S3's answer tells of. Status 0: there was no answer. */
function bucketError(request) {
  if (request.status === 0) return new UploadError("send", "network");
  const code = request.responseXML?.querySelector("Code")?.textContent ?? "unexpected";
  return new UploadError("send", code, { status: request.status });
}

/** Calls `bark` when there was no sign of life for so many milliseconds. */
function watchdog(milliseconds, bark) {
  let timer = setTimeout(bark, milliseconds);
  return {
    signOfLife() {
      clearTimeout(timer);
      timer = setTimeout(bark, milliseconds);
    },
    end: () => clearTimeout(timer),
  };
}

/** Resolves after so many milliseconds, or rejects as soon as the signal aborts. */
function sleep(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", abort);
      resolve();
    }, milliseconds);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}
