/**
 * Files out of a drop, a choice or a paste, folders with all that they hold. Names keep the folder:
 * `holiday/day 1/sea.jpg`.
 *
 * @typedef {{file: File, name: string, handle: FileSystemFileHandle | null}} Found
 */

/** What systems put into folders by themselves. */
const LITTER = /(^|\/)(\.DS_Store|Thumbs\.db|desktop\.ini)$/;
/** Files that a folder gives at a time. */
const BATCH = 200;

/** @param {Iterable<File>} files of an input @returns {Found[]} */
export function chosen(files) {
  return Array.from(files, (file) => found(file, file.webkitRelativePath || file.name))
    .filter(isNoLitter);
}

/** @param {DataTransfer | null} transfer */
export function carriesFiles(transfer) {
  return transfer?.types.includes("Files") ?? false;
}

/**
 * Hands over the files of a drop, a folder's as they are found.
 * @param {DataTransfer} transfer of the event, while it is being handled
 * @param {number} largeBytes from this size on a file's handle is worth having
 * @param {(found: Found[]) => void} take
 */
export async function dropped(transfer, largeBytes, take) {
  // After the event the transfer is empty, so all is asked for first.
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const asked = items.map((item) => {
    const entry = item.webkitGetAsEntry?.() ?? null;
    if (entry?.isDirectory) return { entry };
    const file = item.getAsFile();
    const isLarge = (file?.size ?? 0) >= largeBytes;
    return { file, handle: isLarge ? item.getAsFileSystemHandle?.() : null };
  });
  const plain = asked.filter(({ file }) => file);
  const withHandle = async ({ file, handle }) => found(file, file.name, await handleOf(handle));
  take(await Promise.all(plain.map(withHandle)));
  for (const { entry } of asked) if (entry) await walk(entry, take);
}

/**
 * Returns pasted files. Pictures from a screen all have one name, so they get the time as theirs.
 * @param {DataTransfer} transfer
 * @param {(time: string) => string} nameOf
 * @returns {Found[]}
 */
export function pasted(transfer, nameOf) {
  return Array.from(transfer.files, (file) => {
    if (file.name !== "image.png") return found(file, file.name);
    const now = new Date();
    const local = new Date(now - now.getTimezoneOffset() * 60_000).toISOString();
    return found(file, nameOf(local.slice(0, 19).replace("T", " ").replaceAll(":", ".")));
  });
}

/**
 * Lets the user choose files, with their handles where the browser has them.
 * @param {HTMLInputElement} input what does it elsewhere
 * @returns {Promise<Found[]>} empty where the input does it
 */
export async function pick(input) {
  if (!window.showOpenFilePicker) {
    input.click();
    return [];
  }
  try {
    const handles = await window.showOpenFilePicker({ multiple: true });
    return await Promise.all(handles.map(async (handle) => {
      const file = await handle.getFile();
      return found(file, file.name, handle);
    }));
  } catch (error) {
    if (error.name !== "AbortError") input.click(); // not allowed here, in a frame for one
    return [];
  }
}

function found(file, name, handle = null) {
  return { file, name, handle };
}

function isNoLitter({ name }) {
  return !LITTER.test(name);
}

async function handleOf(promise) {
  const handle = await Promise.resolve(promise).catch(() => null);
  return handle?.kind === "file" ? handle : null;
}

/** Hands over all files below a folder, some at a time. */
async function walk(folder, take) {
  let batch = [];
  for await (const entry of filesBelow(folder)) {
    const file = await new Promise((resolve) => { entry.file(resolve, () => resolve(null)); });
    if (file) batch.push(found(file, entry.fullPath.slice(1)));
    if (batch.length === BATCH) take(batch.splice(0).filter(isNoLitter));
  }
  take(batch.filter(isNoLitter));
}

async function* filesBelow(folder) {
  const reader = folder.createReader();
  for (;;) {
    // It tells at most a hundred entries at a time, and none at the end.
    const entries = await new Promise((resolve) => {
      reader.readEntries(resolve, () => resolve([]));
    });
    if (!entries.length) return;
    for (const entry of entries) {
      if (entry.isDirectory) yield* filesBelow(entry);
      else yield entry;
    }
  }
}
