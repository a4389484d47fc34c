import { setImmediate } from 'node:timers/promises';
import type { EventGaps } from '../areas/event-gaps.ts';
import type { Database } from '../db/database.ts';
import type { Ask } from './ask.ts';
import type { Batch, BatchLimits, Horizon, RefusedBodies, HeldPieces } from './gathering.ts';
import type { Hub } from './hub/hub.ts';
import { heldRing } from './keys/held-ring.ts';
import type { KeyRing } from './keys/key-ring.ts';
import type { HubMeta, HubSeen } from './hub-meta.ts';
import type { Parking } from './apply/park.ts';
import type { HubPage } from './pull-statements.ts';
import type { ReplicaReader } from './replica-reader.ts';
import type { DeviceInfo } from './push-statements.ts';
import type { Pace } from './pace.ts';
import { Portion } from './portion.ts';
import { Repairs, type Suspect } from './repairs.ts';
import { heldKeyOf, type SyncState } from './state.ts';

/** What one exchange with the hub stands on. */
export interface Exchange {
  readonly database: Database;
  readonly hub: Hub;
  /** A copy of the hub to read from where that pays; absent: never. */
  readonly replica?: ReplicaReader | undefined;
  /** The keys of the group; replaced when new ones were made, here or elsewhere. */
  ring: KeyRing | null;
  /** Their lock, as it stands on the hub and in the state. */
  lock: string | null;
  /** Unix milliseconds on this device. */
  readonly now: () => number;
  readonly info: DeviceInfo;
  /** What tells this machine from another one to which the store was copied. */
  readonly machine: string;
  readonly memory: Memory;
  /** Absent: as one who waits for the exchange would have it. */
  readonly pace?: Pace | undefined;
}

/** Leaves a turn of the event loop between two steps. */
export const STEADY: Pace = { stepMs: 3, rest: () => setImmediate() };

const PAGE_ROWS_FIRST = 100;
const PAGE_ROWS_MAX = 4000;
const PAGE_BYTES_FIRST = 256 << 10;
const PAGE_BYTES_MAX = 2 << 20;
const BATCH_ROWS_MAX = 2000;
const BATCH_BYTES_FIRST = 64 << 10;
const BATCH_BYTES_MAX = 1 << 20;

/** A page of the hub, and the hub as it was then. */
export interface Answer {
  readonly meta: HubMeta & HubSeen;
  readonly page: HubPage;
}

/** What is to be sent next, in the state in which it may be. */
export interface Next {
  readonly state: SyncState;
  readonly batch: Batch | undefined;
}

/**
 * Takes the keys that stand in the state: another process of this device may have made new ones. To be
 * called in the read that something is sealed from, or before what was sealed is asked for.
 */
export function followState(exchange: Exchange, state: SyncState): void {
  if (state.keyCheck === exchange.lock) return;
  exchange.ring = heldRing(heldKeyOf(state));
  exchange.lock = state.keyCheck;
  // What waited for the key is applied from the first one on, in order.
  exchange.memory.parkedFrom = 0;
}

/** What is remembered while the process runs; forgetting it costs work, never data. */
export class Memory {
  readonly pieces: HeldPieces = new Map();
  readonly refusedBodies: RefusedBodies = new Map();
  /** Entries that this device has not read, as of the last answer. */
  gap = 0;
  /** While everything is read from the first entry on, where events were lost here; good for one place. */
  gaps: { readonly cursor: number; readonly events: EventGaps } | undefined;
  /** The epoch in which this device found the hub empty: it need not ask what the hub lacks. */
  emptyEpoch: string | undefined;
  /** The next page, asked for while the former one is applied. */
  ahead: { readonly ask: Ask; readonly answer: Promise<Answer | null> } | undefined;
  /** Read and sealed while the former push was on its way. */
  next: Next | undefined;
  /** While all is pushed that was there when that began. */
  horizon: Horizon | undefined;
  /** How many parked entries were looked at: the next look goes on there, so that none waits for ever. */
  parkedFrom = 0;
  readonly parking: Parking = {};
  readonly repairs = new Repairs();
  /** The device that this store was until it was found to be a copy; undefined once that was told. */
  copyOf: string | undefined;
  /** Pieces of large bodies on the hub that do not open. */
  readonly spoiltPieces = new Map<string, Suspect>();
  readonly #batch = new Portion(BATCH_BYTES_FIRST, BATCH_BYTES_MAX);
  readonly #page = new Portion(PAGE_BYTES_FIRST, PAGE_BYTES_MAX);
  #batchRows = BATCH_ROWS_MAX;
  #pageRows = PAGE_ROWS_FIRST;

  get limits(): BatchLimits {
    return { rows: this.#batchRows, bytes: this.#batch.bytes, horizon: this.horizon };
  }

  /** Halves the next batch. @returns false when it was a single row already */
  halve(sent: number): boolean {
    if (this.#batchRows <= 1 || sent <= 1) return false;
    this.#batchRows = Math.floor(Math.min(this.#batchRows, sent) / 2);
    return true;
  }

  /** The hub took a batch of so many bytes after `ms`. */
  batchArrived(bytes: number, ms: number): void {
    this.#batchRows = Math.min(BATCH_ROWS_MAX, this.#batchRows * 2);
    this.#batch.arrived(bytes, ms);
  }

  batchLost(): void {
    this.#batch.lost();
  }

  /** Entries to ask for at once: so many that an answer has about as many bytes as the line bears. */
  get pageRows(): number {
    return this.#pageRows;
  }

  /** Bytes to ask for at once. */
  get pageBytes(): number {
    return this.#page.bytes;
  }

  /** Learns from an answer how large entries are. */
  fitPage(entries: number, bytes: number): void {
    if (entries === 0) return;
    const fitting = Math.floor(this.#page.bytes / (bytes / entries));
    this.#pageRows = Math.max(1, Math.min(PAGE_ROWS_MAX, fitting, this.#pageRows * 4));
  }

  /** @returns false when a single entry was asked for already */
  shrinkPage(): boolean {
    if (this.#pageRows === 1) return false;
    this.#pageRows = Math.max(1, Math.floor(this.#pageRows / 8));
    return true;
  }

  /** An answer of so many bytes was here after `ms`. */
  pageArrived(bytes: number, ms: number): void {
    this.#page.arrived(bytes, ms);
  }

  pageLost(): void {
    this.#page.lost();
    this.shrinkPage();
  }
}
