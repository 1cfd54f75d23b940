/** One tab at a time works on an upload. Where the browser has no Web Locks, each takes it. */

const PREFIX = "upload:";

/**
 * Takes an upload for this tab.
 * @param {string} id
 * @returns {Promise<(() => void) | null>} gives it back; null when another tab has it
 */
export function hold(id) {
  if (!navigator.locks) return Promise.resolve(() => {});
  return new Promise((resolve, reject) => {
    navigator.locks.request(`${PREFIX}${id}`, { ifAvailable: true }, (lock) => {
      if (!lock) return resolve(null);
      return new Promise((release) => { resolve(release); });
    }).catch(reject);
  });
}

/** Returns the ids of the uploads that some tab works on. @returns {Promise<Set<string>>} */
export async function held() {
  const { held: locks = [] } = (await navigator.locks?.query()) ?? {};
  return new Set(locks.map((lock) => lock.name.slice(PREFIX.length)));
}
