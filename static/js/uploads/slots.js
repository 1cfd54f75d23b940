/** A bound on what goes on at once; who waits gets on in the order of coming. */
export class Slots {
  #free;
  /** @type {(() => void)[]} */
  #waiting = [];

  /** @param {number} number */
  constructor(number) {
    this.#free = number;
  }

  /**
   * Does the work once a slot is free.
   * @template Result
   * @param {() => Promise<Result>} work
   * @param {AbortSignal} signal ends the waiting
   * @returns {Promise<Result>}
   */
  async run(work, signal) {
    await this.#take(signal);
    try {
      return await work();
    } finally {
      this.#giveBack();
    }
  }

  #take(signal) {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free -= 1;
      return undefined;
    }
    return new Promise((resolve, reject) => {
      const enter = () => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1);
        reject(signal.reason);
      };
      this.#waiting.push(enter);
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  #giveBack() {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free += 1;
  }
}

/**
 * Does the work for each item, at most so many at once. The first failure ends the others.
 * @template Item
 * @param {Item[]} items
 * @param {number} most
 * @param {(item: Item, upcoming: Item[], signal: AbortSignal) => Promise<void>} work
 * @param {AbortSignal} signal
 */
export async function inParallel(items, most, work, signal) {
  const controller = new AbortController();
  const abort = () => controller.abort(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  const left = [...items];
  const worker = async () => {
    while (left.length) await work(left.shift(), left, controller.signal);
  };
  try {
    await Promise.all(Array.from({ length: Math.min(most, items.length) }, worker));
  } finally {
    signal.removeEventListener("abort", abort);
    controller.abort();
  }
}
