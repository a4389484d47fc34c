import type { BodyRef } from '../db/content.ts';
import { chunkCount } from './chunks.ts';
import type { Ready, Refusal, Refused } from './outgoing.ts';
import type { Outgoing } from './push-statements.ts';

/** What an acknowledgement trims: exactly what was read for the push. */
export interface Trim {
  readonly notes: number[];
  readonly parked: { table: string; hubId: string; register: string; offer: number }[];
  /** Table to how far it is sent now; a mutable table that was offered to its end has null. */
  readonly numbers: Map<string, number>;
  readonly ids: Map<string, string | null>;
  /** What an offer came by and has to wait: it is noted, so that it counts as unsent. */
  readonly waiting: Ready['source'][];
}

/** What trims nothing. */
export const noTrim = (): Trim => ({
  notes: [],
  parked: [],
  numbers: new Map(),
  ids: new Map(),
  waiting: [],
});

export interface Sending {
  readonly entry: Outgoing;
  /** The hub may hold it already: it is asked first. */
  readonly offered: boolean;
  /** Absent for a piece of a body and for a parked entry, which are sent as they are. */
  readonly source?: Ready['source'];
}

export interface Batch {
  readonly sending: Sending[];
  /** Of the rows that were read, what cannot go. */
  readonly refused: Refused[];
  readonly trim: Trim;
  /** The round in which it was read. */
  readonly round: number;
  /** The lock of the keys that it is sealed with. */
  readonly lock: string;
  /** The body of which it is a piece, and which piece. */
  readonly piece?: { readonly body: BodyRef; readonly position: number };
  /** Nothing was left when it was read. */
  readonly last: boolean;
}

/** Bounds of one push. */
export interface BatchLimits {
  readonly rows: number;
  readonly bytes: number;
  /** Absent: whatever there is. */
  readonly horizon?: Horizon | undefined;
}

/** What was written last when pushing began: what comes later is for the next exchange. */
export interface Horizon {
  /** The number of a note. */
  readonly note: number;
  /** Of tables whose rows never change, the number of a row. */
  readonly rows: ReadonlyMap<string, number>;
}

/** Bodies of which a piece is not here, or the hub did not take it, in a round. */
export type RefusedBodies = Map<string, Refusal>;

/**
 * How many pieces of a large body the hub is known to hold: acknowledged or fetched in a round, while
 * this process has run.
 */
export type HeldPieces = Map<string, number>;

/**
 * What a body's pieces are counted under: everything offered anew is looked at anew, and each record
 * that has the body has pieces of its own on the hub.
 */
export function pieceKey(round: number, body: BodyRef): string {
  return `${round} ${body.hash} ${body.root ?? ''}`;
}

/** Whether the hub is known to hold all of a large body. */
export function isHeld(pieces: HeldPieces, round: number, body: BodyRef): boolean {
  return (pieces.get(pieceKey(round, body)) ?? 0) >= chunkCount(body);
}

/** One text for a register as the hub knows it. */
export const keyOf = (table: string, id: string, register: string) =>
  `${table}\n${id}\n${register}`;

/** Gathers what is not on the hub, up to the limits. */
export class Gathering {
  readonly batch: Batch;
  readonly #limits: BatchLimits;
  readonly #pieces: HeldPieces;
  readonly #refused: RefusedBodies;
  readonly #taken = new Set<string>();
  #bytes = 0;
  /** Some list had more than was read of it. */
  cut = false;
  /** A large body that has to go first. */
  missing: BodyRef | undefined;

  constructor(
    state: Pick<Batch, 'round' | 'lock'>,
    limits: BatchLimits,
    pieces: HeldPieces,
    refusedBodies: RefusedBodies,
  ) {
    const trim = noTrim();
    this.batch = { sending: [], refused: [], trim, ...state, last: false };
    this.#limits = limits;
    this.#pieces = pieces;
    this.#refused = refusedBodies;
  }

  isFull(): boolean {
    if (this.missing) return true;
    const { rows, bytes } = this.#limits;
    return this.batch.sending.length >= rows || this.#bytes >= bytes;
  }

  /** Takes all entries of a row or none. */
  add(list: readonly (Ready | Refused)[], offered: boolean): boolean {
    const { round, refused } = this.batch;
    const ready = list.filter((one) => 'entry' in one);
    const large = ready.find(({ body }) => {
      if (!body || this.#refused.has(pieceKey(round, body))) return false;
      return !isHeld(this.#pieces, round, body);
    });
    if (large) {
      this.missing = large.body;
      return false;
    }
    refused.push(...list.filter((one) => 'reason' in one));
    for (const { entry, body, source } of ready) {
      const reason = body && this.#refused.get(pieceKey(round, body));
      if (reason) refused.push({ source, reason });
      else this.#take({ entry, offered, source });
    }
    return true;
  }

  addParked(entry: Outgoing): void {
    this.#take({ entry, offered: true });
  }

  /** A row that was just written and is offered besides goes once. */
  #take(sending: Sending): void {
    const { table, id, register } = sending.entry;
    const key = keyOf(table, id, register);
    if (this.#taken.has(key)) return;
    this.#taken.add(key);
    this.batch.sending.push(sending);
    this.#bytes += sending.entry.payload.length + 200;
  }
}
