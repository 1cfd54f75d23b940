/**
 * What can be said about a chosen file before anything is sent.
 *
 * @typedef {{maxBytes: number, contentTypes: string[]}} Limits
 */

/** The first bytes of what the site accepts, as text in which each character is one byte. */
const SIGNATURES = {
  "image/jpeg": /^\xff\xd8\xff/,
  "image/png": /^\x89PNG\r\n\x1a\n/,
  "image/gif": /^GIF8[79]a/,
  "image/webp": /^RIFF[^]{4}WEBP/,
  "image/avif": /^[^]{4}ftyp/,
};

/**
 * Returns why a file is none to crop, as a key of the words; empty when it may be one.
 * @param {File} file
 */
export function obviousProblem(file) {
  if (file.size === 0) return "isEmpty";
  return file.type.startsWith("image/") ? "" : "notAPicture";
}

/**
 * Returns why a file cannot be sent, as a key of the words; empty when it can.
 * @param {File} file
 * @param {Limits} limits
 * @returns {Promise<string>}
 */
export async function problemAsItIs(file, { maxBytes, contentTypes }) {
  const problem = obviousProblem(file);
  if (problem) return problem;
  if (!contentTypes.includes(file.type) || !(await beginsLike(file))) return "notAPicture";
  return file.size > maxBytes ? "tooLarge" : "";
}

/** Whether the first bytes are those of the file's type; a type comes from the name alone. */
async function beginsLike(file) {
  const bytes = new Uint8Array(await file.slice(0, 16).arrayBuffer());
  return SIGNATURES[file.type]?.test(String.fromCharCode(...bytes)) ?? true;
}

/**
 * Returns the picture in a file, or null where this browser cannot show it.
 * @param {Blob} file
 * @returns {Promise<HTMLImageElement | null>} its `src` is a blob URL, to be revoked after use
 */
export async function decoded(file) {
  const picture = new Image();
  picture.src = URL.createObjectURL(file);
  try {
    await picture.decode();
    // A drawing may have no size of its own, and then there is nothing to crop.
    if (picture.naturalWidth > 0) return picture;
  } catch {
    // Falls through: a format that this browser does not know, or no picture at all.
  }
  URL.revokeObjectURL(picture.src);
  return null;
}
