/** How fast bytes go and how long the rest will take, smoothed so that the figures can be read. */

/** Milliseconds after which a change of the rate has shown itself by two thirds. */
const MEMORY = 4000;
/** Milliseconds before there is anything to tell. */
const FIRST = 1500;

export class Pace {
  #rate = 0;
  #bytes = 0;
  #at = 0;
  #since = 0;

  /**
   * Takes in how many bytes have gone so far.
   * @param {number} bytes
   * @param {number} now in milliseconds
   */
  tell(bytes, now) {
    // Begun, or gone back: a part that broke off counts for nothing.
    if (!this.#at || bytes < this.#bytes) this.#restart(bytes, now);
    const passed = now - this.#at;
    if (passed <= 0) return;
    const weight = 1 - Math.exp(-passed / MEMORY);
    const latest = ((bytes - this.#bytes) / passed) * 1000;
    // At first the mean since the beginning: the smoothed rate would still climb from zero.
    const age = now - this.#since;
    this.#rate += (latest - this.#rate) * (age < MEMORY ? Math.max(weight, passed / age) : weight);
    this.#bytes = bytes;
    this.#at = now;
  }

  #restart(bytes, now) {
    if (!this.#at) this.#since = now;
    this.#bytes = bytes;
    this.#at = now;
  }

  /** Forgets the rate, after a pause. */
  stop() {
    this.#rate = this.#at = 0;
  }

  /** Bytes a second; 0 while there is nothing to tell. */
  get rate() {
    return this.#at - this.#since < FIRST ? 0 : this.#rate;
  }

  /** Seconds that so many bytes will take; 0 while nobody knows. @param {number} bytes */
  left(bytes) {
    return this.rate > 1 ? bytes / this.rate : 0;
  }
}
