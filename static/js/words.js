/** What the scripts say. The page has the texts, in its language, from `words.py` of its app. */

const words = JSON.parse(document.getElementById("upload-words").textContent);
const language = document.documentElement.lang;
const decimal = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat(language, { style: "percent" });

/**
 * Returns the text of that name, with its {placeholders} filled in.
 * @param {string} name
 * @param {Record<string, string | number>} [values]
 */
export function say(name, values = {}) {
  const written = (value) => (typeof value === "number" ? decimal.format(value) : value);
  return words[name].replace(/\{(\w+)\}/g, (_all, key) => written(values[key]));
}

/** The units of a page's words, with their bytes: those of Django's filesizeformat. */
const UNITS = ["bytes", "kilobytes", "megabytes", "gigabytes", "terabytes"]
  .map((unit, power) => ({ unit, least: 1024 ** power }))
  .filter(({ unit }) => words[unit]);

/** Returns a number of bytes as people write it. @param {number} bytes */
export function size(bytes) {
  const { unit, least } = UNITS.filter((one) => bytes >= one.least).at(-1) ?? UNITS[0];
  return say(unit, { number: decimal.format(bytes / least) });
}

/** Returns a fraction, 0 to 1, as a percentage. */
export function percentage(fraction) {
  return percent.format(fraction);
}

/**
 * Returns what an error means to the user and what to do next.
 * @param {Error & {code?: string, phase?: string, status?: number}} error
 */
export function explain(error) {
  if (error.message && error.name === "UploadError") return error.message;
  if (error.code === "network") return say("network");
  if (error.code === "signed_out") return say("signedOut");
  if (error.code === "EntityTooLarge") return say("bucketTooLarge");
  if (error.phase === "send") {
    return error.status >= 500 ? say("bucketBusy") : say("bucketRefused", { code: error.code });
  }
  return say("unexpected");
}
