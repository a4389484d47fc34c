/**
 * How slow a line is thought to be that is not known yet or did not answer in time, in milliseconds a
 * byte: 5 KB/s.
 */
const SLOWEST_UP = 1 / 5;
/** What every line does that brings an answer, in milliseconds a byte: one that only trickles in ends. */
const SLOWEST_DOWN = 1;
/**
 * What is lost looks like what is on its way, and a line that was slow may be quick again: so long in
 * milliseconds, at first, and sync stands still no minute.
 */
const MOST_MS = 45_000;
/** How much longer it may take than it took last. */
const MARGIN = 3;
/** Smaller requests tell of the hub, not of the line. */
const TELLING_BYTES = 8 << 10;

/**
 * How long to wait for a hub. What the system has taken of a request is on its way, and nothing tells how
 * much of it: so a large one is waited for longer, as long as the last one lets one expect. An answer is
 * seen as it comes, and only silence ends it.
 */
export class Patience {
  readonly #silenceMs: number;
  readonly #up = new Limit();
  readonly #down = new Limit();
  #upMsPerByte = SLOWEST_UP;

  /** @param silenceMs - how long nothing may come where nothing is on its way */
  constructor(silenceMs: number) {
    this.#silenceMs = silenceMs;
  }

  /** How long the answer to a request of so many bytes may take to begin, in milliseconds. */
  untilAnswer(bytes: number): number {
    return Math.min(this.#up.ms, this.#silenceMs + bytes * this.#upMsPerByte);
  }

  /** How long it may go on of which so many bytes have come, in milliseconds. */
  untilEnd(bytes: number): number {
    return Math.min(this.#down.ms, this.#silenceMs + bytes * SLOWEST_DOWN);
  }

  /** The answer to a request of so many bytes began after `ms`. */
  answered(bytes: number, ms: number): void {
    this.#up.arrived(bytes, ms);
    if (bytes < TELLING_BYTES) return;
    this.#upMsPerByte = Math.min(SLOWEST_UP, (MARGIN * ms) / bytes);
  }

  /** An answer of so many bytes came to its end `ms` after it began. */
  ended(bytes: number, ms: number): void {
    this.#down.arrived(bytes, ms);
  }

  /** No answer to a request of so many bytes began in time: the line may be slower than it was. */
  unanswered(bytes: number): void {
    this.#upMsPerByte = SLOWEST_UP;
    this.#up.lost(bytes);
  }

  /** An answer of which so many bytes had come did not go on in time. */
  broken(bytes: number): void {
    this.#down.lost(bytes);
  }
}

/**
 * The longest wait of one direction. What cannot be smaller is waited for twice as long after each loss, so
 * that it arrives in the end; what is smaller and arrives meanwhile tells nothing of it.
 */
class Limit {
  ms = MOST_MS;
  #lostBytes = 0;

  lost(bytes: number): void {
    this.ms *= 2;
    this.#lostBytes = Math.max(this.#lostBytes, bytes);
  }

  arrived(bytes: number, ms: number): void {
    if (bytes < this.#lostBytes) return;
    this.ms = Math.max(MOST_MS, 2 * ms);
    this.#lostBytes = 0;
  }
}
