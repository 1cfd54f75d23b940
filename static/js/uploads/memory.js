/**
 * What this browser remembers of uploads that are not finished: their tokens, and the file's handle
 * where there is one, so that a reload or a crash costs no part that has arrived. Where there is no
 * storage (a private window) nothing is remembered, and all else works.
 *
 * @typedef {{id: string, owner: string, token: string, mode: "put" | "multipart", partSize: number,
 *   parts: number, name: string, size: number, type: string, lastModified: number, begunAt: number,
 *   handle: FileSystemFileHandle | null}} Remembered
 */

const STORE = "uploads";
/** Milliseconds after which a token has expired for certain. */
const LONGEST = 31 * 24 * 3600 * 1000;

/** @param {Remembered} upload */
export function remember(upload) {
  return inStore("readwrite", (store) => store.put(upload)).catch(() => withoutHandle(upload));
}

/** Some handles cannot be stored; the rest can. */
function withoutHandle(upload) {
  return inStore("readwrite", (store) => store.put({ ...upload, handle: null })).catch(() => {});
}

/** @param {string} id */
export function forget(id) {
  return inStore("readwrite", (store) => store.delete(id)).catch(() => {});
}

/**
 * Returns what is remembered of one user's uploads, the oldest first.
 * @param {string} owner
 * @returns {Promise<Remembered[]>}
 */
export async function remembered(owner) {
  const all = await inStore("readonly", (store) => store.getAll()).catch(() => []);
  const isOld = (upload) => Date.now() - upload.begunAt > LONGEST;
  await Promise.all(all.filter(isOld).map((upload) => forget(upload.id)));
  const mine = all.filter((upload) => upload.owner === owner && !isOld(upload));
  return mine.sort((one, other) => one.begunAt - other.begunAt);
}

/** Runs one request in a transaction of its own. */
async function inStore(mode, request) {
  const database = await opened();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(STORE, mode);
    const asked = request(transaction.objectStore(STORE));
    transaction.oncomplete = () => resolve(asked.result);
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
}

/** @type {Promise<IDBDatabase> | null} */
let opening = null;

function opened() {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open("triphase-uploads", 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opening;
}
