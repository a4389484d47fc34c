import { HubBusyError, StoreError } from '../errors.ts';
import type { Hub } from './hub/hub.ts';
import type { ReplicaHub } from './hub/replica-hub.ts';
import type { PullMode } from './state.ts';

/**
 * From how many entries on a copy of the hub's pages is made. Measured on the loopback (test/bench,
 * the copying included): 100,000 entries took 4.9 s over HTTP and 6.6 s through a copy, 50,000 took
 * 1.9 s and 3.2 s. HTTP was quicker at every size that was measured; this lies beyond them.
 */
const GAP_MIN = 1_000_000;

/**
 * Reads the hub through a copy of it where that pays. The copy is trusted with nothing: where it
 * cannot be made, reading goes on over HTTP, and `failure` says why.
 */
export class ReplicaReader {
  readonly #replica: ReplicaHub;
  readonly #mode: PullMode;
  #fresh = false;
  #failed = false;
  #discarded = false;
  failure: StoreError | undefined;

  constructor(replica: ReplicaHub, mode: PullMode) {
    this.#replica = replica;
    this.#mode = mode;
  }

  /** To be called before a run: the copy is brought up to date once for each. */
  begin(): void {
    this.#fresh = false;
    this.#failed = false;
    this.#discarded = false;
  }

  /** @param gap - entries that this device has not read, as far as it knows */
  async hub(gap: number): Promise<Hub | undefined> {
    const wanted = this.#mode === 'replica' || (this.#mode === 'auto' && gap >= GAP_MIN);
    if (!wanted || this.#failed) return this.#fresh && !this.#failed ? this.#replica : undefined;
    if (this.#fresh) return this.#replica;
    // Whoever has it brings everything to this store: the worker, or somebody's single exchange.
    if (!this.#replica.take()) return undefined;
    try {
      await this.#replica.sync();
      this.#fresh = true;
      this.failure = undefined;
      return this.#replica;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.giveUp(error);
      return undefined;
    }
  }

  /** It is no copy of the hub: it is made anew, once in a run. */
  discard(): void {
    this.#replica.remove();
    this.#fresh = false;
    if (this.#discarded) {
      this.giveUp(new HubBusyError('the copy of the hub is not like the hub however new it is'));
    }
    this.#discarded = true;
  }

  /** Reading goes on over HTTP for the rest of this run. */
  giveUp(failure: StoreError): void {
    this.#failed = true;
    this.failure = failure;
  }

  close(): void {
    this.#replica.close();
  }
}
