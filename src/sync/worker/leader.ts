import { setTimeout as sleep } from 'node:timers/promises';
import PQueue from 'p-queue';
import { indexSome } from '../../areas/search-texts.ts';
import type { ChangeSignal } from '../../db/change-signal.ts';
import { ClosedError, SyncOffError } from '../../errors.ts';
import { connect, type Access, type Connected } from '../connect.ts';
import { Memory, type Exchange } from '../exchange.ts';
import { syncOnce, type Beginning, type Exchanged } from '../sync-once.ts';
import { jitter, isPassing, waitMs } from './backoff.ts';
import { Feed } from './feed.ts';
import { BUSY_LOOK_MS, LOOK_MS, lookAround, nextLookMs, POLL_MS, type Look } from './look.ts';
import { StorePace } from '../pace.ts';
import { News } from './news.ts';
import type { Notices, SyncNotice } from './notices.ts';
import {
  describeFailure,
  greet,
  recordDevices,
  recordExchange,
  recordFailure,
} from './record-status.ts';

/** Who is told what a worker does. */
export interface WorkerEvents {
  /** The status of sync may be another one than before. */
  readonly onStatus?: (() => void) | undefined;
  /** Entries of other devices changed this store. */
  readonly onApplied?: ((count: number) => void) | undefined;
  /** After an exchange that moved something, the first one, and the first one after a failure. */
  readonly onExchanged?: ((exchanged: Exchanged, tookMs: number) => void) | undefined;
  /** What becomes of the worker, each thing once. */
  readonly onNotice?: ((notice: SyncNotice) => void) | undefined;
}

/** Between two exchanges while changes keep coming, in milliseconds; the first is taken at once. */
const GATHER_MS = 50;
const TIMER_MS = 60_000;
const TIMER_WITHOUT_FEED_MS = 15_000;
/** How old the list of devices and the time of the last exchange may get in the status. */
const DEVICES_MS = 5 * 60_000;
const RECORD_MS = 10_000;
/**
 * After this an exchange is cut between two steps, in milliseconds, its status noted, and gone on
 * with: a first pull tells how far it is, and one who writes all the time does not keep it going.
 */
const SLICE_MS = 1000;
/** Records that are indexed in one transaction: others wait for no more than a few milliseconds. */
const INDEX_STEP = 20;

/** Exchanges with the hub for all processes of a store, one exchange at a time. */
export class Leader {
  readonly #access: Access;
  readonly #changes: ChangeSignal;
  readonly #events: WorkerEvents;
  readonly #notices: Notices;
  readonly #signal: AbortSignal;
  readonly #random = Math.random;
  readonly #memory = new Memory();
  readonly #pace: StorePace;
  /** An exchange goes before what is still to be indexed. */
  readonly #queue = new PQueue({ concurrency: 1 });
  #connected: Connected | undefined;
  #feed: Feed | undefined;
  #seen: Look | undefined;
  /** The last exchange was cut, and is to go on. */
  #cut = false;
  readonly #news = new News();
  #failures = 0;
  #startedAt = -Infinity;
  #recordedAt = -Infinity;
  #devicesAt = -Infinity;

  /** @param signal - ends it, and aborts what is under way */
  constructor(
    access: Access,
    changes: ChangeSignal,
    events: WorkerEvents,
    notices: Notices,
    signal: AbortSignal,
  ) {
    this.#access = access;
    this.#pace = new StorePace(access.database, (ms) => this.#rest(ms));
    this.#changes = changes;
    this.#events = events;
    this.#notices = notices;
    this.#signal = signal;
  }

  #stopped(): boolean {
    return this.#signal.aborted;
  }

  /** Resolves when its signal is aborted or sync was turned off. */
  async run(): Promise<void> {
    const abort = () => {
      this.#disconnect();
    };
    this.#signal.addEventListener('abort', abort, { once: true });
    try {
      this.#indexSoon();
      let beginning: Beginning = 'pull';
      while (!this.#stopped()) {
        const failure = await this.#queue.add(() => this.#exchange(beginning), { priority: 1 });
        if (failure?.error instanceof SyncOffError) return;
        if (failure) await this.#waitOut(failure.error);
        beginning = failure ? 'pull' : await this.#untilWork();
      }
    } finally {
      this.#signal.removeEventListener('abort', abort);
      abort();
      await this.#queue.onIdle();
    }
  }

  async #exchange(beginning: Beginning): Promise<{ error: unknown } | undefined> {
    if (this.#stopped()) return undefined;
    const start = performance.now();
    this.#startedAt = start;
    const known = !this.#news.any;
    if (this.#news.told) this.#feed?.lookAgain();
    this.#news.clear();
    try {
      const look = await this.#access.database.read(lookAround);
      // Who has something to do all the time comes to no other look: a new key counts here, too.
      this.#isOther(look);
      this.#seen = look;
      // The feed tells of everything that others write: what it told meanwhile is pulled first.
      const first = known && this.#feed?.up ? beginning : 'pull';
      const connected = (this.#connected ??= await this.#connect());
      const exchanged = await this.#slice(connected.exchange, start, first);
      if (this.#stopped()) return undefined;
      this.#news.own(exchanged.commits);
      await this.#record(connected.exchange, exchanged, performance.now() - start);
      this.#failures = 0;
      this.#notices.recovered();
      this.#openFeed(connected);
      return undefined;
    } catch (error) {
      return this.#stopped() ? undefined : this.#fail(error);
    }
  }

  async #connect(): Promise<Connected> {
    const connected = await connect(this.#access, this.#memory);
    return { ...connected, exchange: { ...connected.exchange, pace: this.#pace } };
  }

  async #rest(ms: number): Promise<void> {
    await this.#pause(ms);
    if (this.#stopped()) throw new ClosedError('the worker was stopped');
  }

  async #slice(exchange: Exchange, start: number, beginning: Beginning): Promise<Exchanged> {
    if (!this.#cut) exchange.replica?.begin();
    const slice = new AbortController();
    const cut = () => {
      slice.abort();
    };
    this.#signal.addEventListener('abort', cut, { once: true });
    try {
      const onProgress = () => {
        if (performance.now() - start > SLICE_MS) cut();
      };
      return await syncOnce(exchange, slice.signal, onProgress, beginning);
    } finally {
      this.#signal.removeEventListener('abort', cut);
      this.#cut = slice.signal.aborted;
      if (this.#cut) this.#news.expect();
    }
  }

  async #record(exchange: Exchange, exchanged: Exchanged, tookMs: number): Promise<void> {
    const { pushed, pulled, applied, parked, copyOf, meta } = exchanged;
    const moved = pushed + pulled + applied + parked > 0 || copyOf !== null;
    if (applied > 0) {
      this.#events.onApplied?.(applied);
      this.#indexSoon();
    }
    const now = performance.now();
    const first = this.#recordedAt === -Infinity || this.#failures > 0;
    if (moved || first || now - this.#recordedAt > RECORD_MS) {
      await recordExchange(this.#access, exchange, meta);
      this.#recordedAt = now;
      this.#events.onStatus?.();
    }
    if (moved || first) this.#events.onExchanged?.(exchanged, tookMs);
    if (now - this.#devicesAt > DEVICES_MS) {
      this.#devicesAt = now;
      await greet(exchange);
      await recordDevices(this.#access, exchange);
    }
  }

  async #fail(error: unknown): Promise<{ error: unknown }> {
    if (!(error instanceof SyncOffError)) {
      await recordFailure(this.#access, error);
      this.#events.onStatus?.();
    }
    // Without this the feed would go on asking a hub that does not want us.
    if (!isPassing(error)) this.#disconnect();
    return { error };
  }

  #openFeed(connected: Connected): void {
    this.#feed ??= new Feed(
      connected,
      this.#news,
      () => {
        this.#changes.wake();
      },
      this.#random,
    );
    this.#feed.open();
  }

  #disconnect(): void {
    this.#feed?.close();
    this.#connected?.close();
    this.#feed = undefined;
    this.#connected = undefined;
  }

  /**
   * Waits for a change here or on the hub, for other settings, or for the timer.
   *
   * @returns with what the exchange is to begin: `push` where there is only something to send
   */
  async #untilWork(): Promise<Beginning> {
    const start = performance.now();
    const timerMs = jitter(TIMER_MS, this.#random);
    const withoutFeedMs = jitter(TIMER_WITHOUT_FEED_MS, this.#random);
    let lookMs = LOOK_MS;
    while (!this.#stopped() && !this.#news.any) {
      const count = this.#changes.count;
      const look = await this.#access.database.read(lookAround);
      if (this.#isOther(look)) return 'pull';
      // Own notes of status wake this too: only more that is unsent counts.
      if (look.unsent !== '' && look.unsent !== this.#seen?.unsent) break;
      const dueMs = this.#feed?.up
        ? timerMs
        : Math.min(withoutFeedMs, Math.max(this.#feed?.retryInMs ?? 0, GATHER_MS));
      const leftMs = start + dueMs - performance.now();
      if (leftMs <= 0) return 'pull';
      const nextAt = performance.now() + Math.min(lookMs, BUSY_LOOK_MS);
      await this.#changes.wait(count, Math.min(leftMs, lookMs), this.#signal);
      lookMs = nextLookMs(lookMs, this.#changes.count !== count);
      // A busy store is not looked at all the time.
      await this.#pause(nextAt - performance.now());
    }
    await this.#pause(this.#startedAt + GATHER_MS - performance.now());
    return this.#news.any ? 'pull' : 'push';
  }

  /** After a failure neither changes nor the feed count, only the time and other settings. */
  async #waitOut(error: unknown): Promise<void> {
    const ms = waitMs(error, this.#failures++, this.#random);
    const end = performance.now() + ms;
    this.#notices.failed(describeFailure(error, this.#access.now), ms);
    for (;;) {
      const leftMs = end - performance.now();
      if (leftMs <= 0 || this.#stopped()) return;
      await this.#pause(Math.min(leftMs, POLL_MS));
      if (this.#isOther(await this.#access.database.read(lookAround))) return;
    }
  }

  /** Other settings: whatever failed before is tried anew with them. */
  #isOther(look: Look): boolean {
    if (look.settings === this.#seen?.settings) return false;
    this.#disconnect();
    this.#failures = 0;
    this.#devicesAt = -Infinity;
    return true;
  }

  #indexSoon(): void {
    // What is not indexed now is worked off after the next entries, or the next start.
    this.#queue.add(() => this.#index()).catch(() => undefined);
  }

  async #index(): Promise<void> {
    if (this.#stopped()) return;
    const { database, now } = this.#access;
    const done = await database.write({ now }, (transaction) => indexSome(transaction, INDEX_STEP));
    await this.#pace.rest();
    if (done > 0) this.#indexSoon();
  }

  async #pause(ms: number): Promise<void> {
    if (ms <= 0) return;
    // Ends at once when the signal is aborted.
    await sleep(ms, undefined, { signal: this.#signal }).catch(() => undefined);
  }
}
