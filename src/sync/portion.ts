/** Less is not worth a request: then it is not the line that cannot do it. */
const LEAST_BYTES = 16 << 10;
/** What took no longer may be more the next time, in milliseconds. */
const QUICK_MS = 1000;
const STEP = 4;
/** By how much it grows where more was once too much. */
const CAREFUL_STEP = 1.25;

/**
 * How much to send or to ask for at once, in bytes: little until the line is known to be quick, and
 * less again when a request was lost, so that on every line some of it arrives.
 */
export class Portion {
  readonly #most: number;
  #bytes: number;
  #step = STEP;

  constructor(first: number, most: number) {
    this.#bytes = first;
    this.#most = most;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** So many bytes took `ms`. */
  arrived(bytes: number, ms: number): void {
    // A small one tells nothing of a larger one; and clocks are set.
    if (bytes < this.#bytes / 2 || ms < 0 || ms > QUICK_MS) return;
    this.#bytes = Math.min(this.#most, this.#bytes * this.#step);
  }

  lost(): void {
    this.#step = CAREFUL_STEP;
    this.#bytes = Math.max(LEAST_BYTES, this.#bytes / STEP);
  }
}
