import type { LegacyStateDb } from '../../db/legacy-state-db.ts';
import type { Reader } from '../../db/reader.ts';
import { objectMembers } from '../../model/json-text.ts';
import { bodyOf } from './export-context.ts';

const NUMBER_MAX = 2n ** 63n - 1n;

/** The numbers of messages in a state.db that is written, of 64 bits. */
export class MessageNumbers {
  /** Messages of the library are numbered after all of the old program, while there is room. */
  #next: bigint;

  constructor(reader: Reader) {
    const highest = highestNumber(reader);
    this.#next = highest < NUMBER_MAX ? highest + 1n : 1n;
  }

  /** The number that the old program gave, unless a row of another home has it. */
  of(reader: Reader, db: LegacyStateDb | undefined, id: string): bigint {
    const number = legacyNumber(id);
    const isTaken = number === undefined || isUsed(db, number);
    return isTaken ? this.free(reader, db) : number;
  }

  /** A number that no message has or will have. */
  free(reader: Reader, db: LegacyStateDb | undefined): bigint {
    while (isUsed(db, this.#next) || isKept(reader, this.#next)) this.#next++;
    return this.#next++;
  }
}

/** The number of a message of the old program, in its id here, where nothing else had it before. */
export function legacyNumber(id: string): bigint | undefined {
  const digits = /^msg(-?\d+)~[0-9a-f]+$/.exec(id)?.[1];
  return digits === undefined ? undefined : BigInt(digits);
}

/** The number of a row that is kept as it was. */
export function rowNumber(raw: string): bigint {
  const json = objectMembers(raw).find(({ key }) => key === 'id')?.value ?? '';
  return /^-?\d+$/.test(json) ? BigInt(json) : 0n;
}

function isUsed(db: LegacyStateDb | undefined, number: bigint): boolean {
  return db?.has('messages', 'id', number) ?? false;
}

function isKept(reader: Reader, number: bigint): boolean {
  const sql = 'select exists (select 1 from thread_messages where id > ? and id < ?)';
  return reader.number(sql, [`msg${number}~`, `msg${number}~g`]) > 0;
}

function highestNumber(reader: Reader): bigint {
  // As text: it may pass 2^53.
  const [row] = reader.rows(
    `select cast(max(cast(substr(id, 4) as integer)) as text) from thread_messages
     where id glob 'msg[0-9]*~*'`,
  );
  const orphans = reader.list<{ id: string }>(
    ['id'],
    `from legacy_records where kind = 'state.messages' and body is not 'null'`,
  );
  return orphans
    .map(({ id }) => rowNumber(bodyOf(reader, 'legacy_records', id)))
    .reduce((a, b) => (a > b ? a : b), BigInt((row?.[0] as string | null) ?? '0'));
}
