/**
 * Presigned URLs of parts, asked for a few at a time, shortly before they are used: none expires
 * while its part waits. Each is used once.
 */
export class PartUrls {
  /** How many are asked for at once. */
  static AHEAD = 8;
  /** Milliseconds after which one is not used any more, whatever time the site gives it. */
  static GOOD_FOR = 120_000;

  /** @type {Map<number, {url: string, headers: Record<string, string>, since: number}>} */
  #known = new Map();
  /** @type {Promise<void> | null} */
  #asking = null;
  #sign;

  /**
   * @param {(numbers: number[]) => Promise<{number: number, url: string, headers: object}[]>} sign
   */
  constructor(sign) {
    this.#sign = sign;
  }

  /**
   * @param {number} number
   * @param {number[]} upcoming the parts after it
   */
  async take(number, upcoming) {
    for (;;) {
      const found = this.#known.get(number);
      this.#known.delete(number);
      if (found && performance.now() - found.since < PartUrls.GOOD_FOR) return found;
      this.#asking ??= this.#ask(number, upcoming).finally(() => { this.#asking = null; });
      await this.#asking;
    }
  }

  async #ask(number, upcoming) {
    const later = upcoming.slice(0, PartUrls.AHEAD - 1).filter((next) => !this.#known.has(next));
    for (const part of await this.#sign([number, ...later])) {
      this.#known.set(part.number, { ...part, since: performance.now() });
    }
  }
}
