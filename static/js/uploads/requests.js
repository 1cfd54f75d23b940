/**
 * How a request of an upload is sent, waited for and repeated; pictures and files share it. Nothing
 * here knows what is uploaded.
 *
 * Each error of the site says how to go on (`error.retry`); what S3 says is translated into the
 * same three words, and so is an answer that neither of them gave.
 *
 * @typedef {"same" | "new" | "never"} Retry repeat the request, begin a new upload, or stop
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
  OperationAborted: "same",
  ConditionalRequestConflict: "same",
  EntityTooLarge: "never",
  EntityTooSmall: "never",
};
/** Statuses below 500 that pass: Request Timeout, Too Early, Too Many Requests. */
const PASSING_STATUSES = [408, 425, 429];

/** A phase failed. `message` is in the user's words where the site wrote it, else empty. */
export class UploadError extends Error {
  /**
   * @param {string} phase
   * @param {string} code from the site or from S3; "network" when there was no answer
   * @param {Retry} retry
   * @param {{status?: number, message?: string, retryAfter?: number, answer?: object}} [details]
   *   `retryAfter` in seconds; `answer` is the site's whole error
   */
  constructor(phase, code, retry, { status = 0, message = "", retryAfter = 0, answer = {} } = {}) {
    super(message);
    this.name = "UploadError";
    this.phase = phase;
    this.code = code;
    this.retry = retry;
    this.status = status;
    this.retryAfter = retryAfter;
    this.answer = answer;
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

/**
 * Does the work, and does it again while its failure looks like one that passes.
 * @template Result
 * @param {() => Promise<Result>} work
 * @param {AbortSignal} signal
 * @param {() => void} [onRetry] called before each pause
 * @returns {Promise<Result>}
 */
export async function repeating(work, signal, onRetry) {
  for (const pause of PAUSES) {
    try {
      return await work();
    } catch (error) {
      if (!error.isPassing) throw error;
      onRetry?.();
      await sleep(error.retryAfter * 1000 || jittered(pause), signal);
    }
  }
  return work();
}

/** Returns a time with a random part taken off, so that many clients do not come back as one. */
export function jittered(milliseconds) {
  return milliseconds * (0.5 + Math.random() / 2);
}

/**
 * POSTs JSON to the site and returns its JSON.
 * @param {string} phase
 * @param {string} url
 * @param {object} question
 * @param {string} csrfToken
 * @param {AbortSignal} signal
 * @throws {UploadError} or the signal's reason
 */
export async function ask(phase, url, question, csrfToken, signal) {
  const { response, answer } = await answered(phase, url, question, csrfToken, signal);
  // The only redirect there is leads to the login page.
  if (response.type === "opaqueredirect") throw new UploadError(phase, "signed_out", "never");
  if (response.ok && answer) return answer;
  const error = answer?.error ?? {};
  const { code = "unexpected", message, retry = retryFromStatus(response) } = error;
  throw new UploadError(phase, code, retry, {
    status: response.status,
    message,
    retryAfter: Number(response.headers.get("Retry-After")) || 0,
    answer: error,
  });
}

async function answered(phase, url, question, csrfToken, signal) {
  signal.throwIfAborted();
  const patience = bounded(signal);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        Accept: "application/json",
        "Content-Type": "application/json",
        "X-CSRFToken": csrfToken,
      },
      body: JSON.stringify(question),
      redirect: "manual",
      signal: patience.signal,
    });
    return { response, answer: parsed(await response.text()) };
  } catch {
    signal.throwIfAborted();
    throw new UploadError(phase, "network", "same");
  } finally {
    patience.end();
  }
}

/** Returns a signal that aborts with another one or after PATIENCE (older Safari has no `any`). */
function bounded(signal) {
  const controller = new AbortController();
  const abort = () => controller.abort();
  const watch = watchdog(PATIENCE, abort);
  signal.addEventListener("abort", abort, { once: true });
  return {
    signal: controller.signal,
    end() {
      watch.end();
      signal.removeEventListener("abort", abort);
    },
  };
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

/**
 * Sends a body to the bucket. XMLHttpRequest, since fetch does not tell how far an upload is.
 * @param {{method: string, url: string, headers?: Record<string, string>,
 *   body: FormData | Blob}} request
 * @param {AbortSignal} signal
 * @param {(sent: number, all: number) => void} [onProgress] in bytes
 * @returns {Promise<void>}
 * @throws {UploadError} or the signal's reason
 */
export function sendToS3({ method, url, headers = {}, body }, signal, onProgress) {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    const watch = watchdog(PATIENCE, abort);
    signal.addEventListener("abort", abort, { once: true });
    request.upload.onprogress = ({ loaded, total }) => {
      watch.signOfLife();
      onProgress?.(loaded, total);
    };
    // Also after success: whichever way the request ended, its status tells.
    request.onloadend = () => {
      watch.end();
      signal.removeEventListener("abort", abort);
      if (signal.aborted) reject(signal.reason);
      else if (request.status >= 200 && request.status < 300) resolve();
      else reject(s3Error(request));
    };
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.send(body);
  });
}

/**
 * Returns the error that S3's answer tells of. Status 0: there was no answer. What does not pass is
 * a refusal of this form or URL (it has expired, for one), so a new one may do.
 */
function s3Error({ status, responseXML }) {
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

/**
 * Resolves after so many milliseconds, or rejects as soon as the signal aborts.
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
export function sleep(milliseconds, signal) {
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
