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
 * Each error of the site says how to go on (`error.retry`); what S3 says is translated into the
 * same three words, and so is an answer that neither of them gave.
 *
 * The modules import each other by relative paths: with no build step and no import map (an inline
 * one would break the CSP). In production `config/static.py` rewrites the paths to hashed names.
 *
 * @typedef {{beginUrl: string, confirmUrl: string, csrfToken: string}} Site
 * @typedef {{url: string, fields: Record<string, string>, key: string, upload_token: string,
 *   expires_at: string, max_bytes: number}} Permission
 * @typedef {{url: string, content_type: string, size: number, width: number, height: number}} Avatar
 * @typedef {"begin" | "send" | "confirm"} Phase
 * @typedef {"same" | "new" | "never"} Retry repeat the request, begin a new upload, or stop
 * @typedef {{phase?: (phase: Phase) => void, progress?: (fraction: number) => void,
 *   retry?: () => void, renewal?: () => void}} Report
 */

/** Milliseconds before the second, third and fourth attempt; a random part is taken off. */
const PAUSES = [600, 1500, 3500];
/** Milliseconds without any sign of life after which a request counts as lost. */
const PATIENCE = 30_000;
/** Seconds. A longer Retry-After is for the user to wait, not for this page. */
const LONGEST_RETRY_AFTER = 10;

/**
 * What S3's errors call for where their status does not tell.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
 * @type {Record<string, Retry>}
 */
const S3_RETRY = {
  RequestTimeout: "same",
  IncompleteBody: "same",
  SlowDown: "same",
  EntityTooLarge: "never",
  EntityTooSmall: "never",
};
/** Statuses below 500 that pass: Request Timeout, Too Early, Too Many Requests. */
const PASSING_STATUSES = [408, 425, 429];

/** A phase failed. `message` is in the user's words where the site wrote it, else empty. */
export class UploadError extends Error {
  /**
   * @param {Phase} phase
   * @param {string} code from the site or from S3; "network" when there was no answer
   * @param {Retry} retry
   * @param {{status?: number, message?: string, retryAfter?: number}} [details]
   */
  constructor(phase, code, retry, { status = 0, message = "", retryAfter = 0 } = {}) {
    super(message);
    this.name = "UploadError";
    this.phase = phase;
    this.code = code;
    this.retry = retry;
    this.status = status;
    this.retryAfter = retryAfter;
  }

  /** Whether the same request may succeed in a moment. */
  get isPassing() {
    return this.retry === "same" && this.retryAfter <= LONGEST_RETRY_AFTER;
  }

  /**
   * Whether the next attempt begins a new upload. A confirmation that is still refused with 409
   * after several attempts counts, too: perhaps the bucket does not have the file any more.
   */
  get needsNewUpload() {
    return this.retry === "new" || (this.phase === "confirm" && this.status === 409);
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
    try {
      if (!this.#isInBucket) await this.#bringToBucket(signal);
      return await confirmUpload(this.#permission, this.site, signal, this.report);
    } catch (error) {
      if (error.needsNewUpload) this.#forget();
      throw error;
    }
  }

  /** Phases 1 and 2. A refused form is renewed once: it may have expired before this attempt. */
  async #bringToBucket(signal) {
    try {
      await this.#beginAndSend(signal);
    } catch (error) {
      if (error.phase !== "send" || !error.needsNewUpload) throw error;
      this.#forget();
      this.report.renewal?.();
      await this.#beginAndSend(signal);
    }
  }

  async #beginAndSend(signal) {
    this.#permission ??= await beginUpload(this.file, this.site, signal, this.report);
    await sendToBucket(this.#permission, this.file, signal, this.report);
    this.#isInBucket = true;
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
    throw new UploadError(phase, "network", "same");
  }
  // The only redirect there is leads to the login page.
  if (response.type === "opaqueredirect") throw new UploadError(phase, "signed_out", "never");
  if (response.ok && answer) return answer;
  const { code = "unexpected", message, retry = retryFromStatus(response) } = answer?.error ?? {};
  throw new UploadError(phase, code, retry, {
    status: response.status,
    message,
    retryAfter: Number(response.headers.get("Retry-After")) || 0,
  });
}

/**
 * Returns what an answer calls for that is not the API's: the page of a proxy, or of a crash.
 * @returns {Retry}
 */
function retryFromStatus({ ok, status }) {
  return ok || passes(status) ? "same" : "never";
}

function passes(status) {
  return status >= 500 || PASSING_STATUSES.includes(status);
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

/**
 * Returns the error that S3's answer tells of. Status 0: there was no answer. What does not pass is
 * a refusal of this form (its policy has expired, for one), so a new form may do.
 */
function bucketError({ status, responseXML }) {
  if (status === 0) return new UploadError("send", "network", "same");
  const code = responseXML?.querySelector("Code")?.textContent ?? "unexpected";
  const retry = S3_RETRY[code] ?? (passes(status) ? "same" : "new");
  return new UploadError("send", code, retry, { status });
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
