import * as z from 'zod';
import { loadBody, type BodyColumns } from '../db/bodies.ts';
import { readPage, type Page } from '../areas/page.ts';
import type { Reader } from '../db/reader.ts';
import { formatTime } from '../model/time.ts';
import { cursorSchema, limitSchema } from '../model/validate.ts';

export const listSchema = z.strictObject({ limit: limitSchema, cursor: cursorSchema });

/** Something that was received and cannot be applied, or that cannot be sent. */
export interface ParkedEntry {
  direction: 'in' | 'out';
  table: string;
  /** In: as the hub knows it, which with encryption is a hash; out: the id of the row. */
  id: string;
  register: string;
  /**
   * In, `schema`: made by a newer version of this library; `key`: sealed with a key that is not here;
   * `damaged`: nobody can read it; `removed`: the same, and it was taken off the hub, or stayed on that of
   * a group that was left; `invalid`: made with the key, and not what this library writes; `future`: far ahead of every clock; `version`: its
   * version is not that of what it says; `chunks`: its large body is not all on the hub. Out, `size`,
   * `refused`: the hub does not take it; `invalid`: no other device would; `damaged`: it cannot be read
   * here.
   */
  reason: string;
  at: string;
  /** What can be done about it. */
  hint: string;
}

const HINTS: Readonly<Record<ParkedEntry['direction'], Readonly<Record<string, string>>>> = {
  in: {
    schema: 'Upgrade codewhale-store on this machine.',
    key: 'Bring the newest key from a device that has it: "codewhale-store sync key" prints it there.',
    damaged:
      'Nobody can read it: the next exchange takes it off the hub. Look who has a token for the hub, and after its disk.',
    removed:
      'Nobody could read it, or no right clock stamped it: it was taken off the hub, and what your devices have in its place is sent again. Look who has a token for the hub, and after its disk. Or its key was not here when this device went to another group.',
    invalid: 'A device with the key wrote it, and no version of this program does: look which one.',
    future:
      'Set the clock of the device that wrote it. It is taken off the hub, what your devices have in its place is sent again, and any edit goes over it.',
    version:
      'A device with the key wrote it, and no version of this program does: look which one. It is taken off the hub, and what your devices have in its place is sent again.',
    chunks: 'It comes by itself once the device that wrote it has sent all of it.',
  },
  out: {
    size: 'Make it smaller: the hub takes about 5 MB (compressed) in one piece.',
    refused: 'Change it, or look into the log of the hub.',
    invalid:
      'No other device would take it: its id, a number or a time in it is out of bounds. It stays on this device; once it was changed to what is in bounds it is sent.',
    damaged:
      'It cannot be read here any more: "codewhale-store doctor" tells more, "doctor --repair" saves what is left.',
  },
};

interface ParkedRow {
  readonly direction: ParkedEntry['direction'];
  readonly table_name: string;
  readonly id: string;
  readonly register: string;
  readonly reason: string;
  readonly at: number;
}

/**
 * Everything that is set aside, incoming first. What came in is tried again by itself; what could not
 * be sent is tried again when it is edited, or when everything is offered anew.
 */
export function listParked(reader: Reader, limit: number): ParkedEntry[] {
  const rows = reader.list<ParkedRow>(
    ['direction', 'table_name', 'id', 'register', 'reason', 'at'],
    `from (select 'in' as direction, table_name, hub_id as id, register, reason, parked_at as at from parked
     union all
     select 'out', table_name, row_id, register, stuck, noted_at from outbox where stuck is not null)
     order by direction, at limit ?`,
    [limit],
  );
  return rows.map(({ direction, table_name: table, id, register, reason, at }) => ({
    direction,
    table,
    id,
    register,
    reason,
    at: formatTime(at),
    hint: HINTS[direction][reason] ?? '',
  }));
}

/** A version that lost against one whose writer did not know it. */
export interface Conflict {
  number: number;
  table: string;
  id: string;
  register: string;
  lostVersion: string;
  wonVersion: string;
  foundAt: string;
  /** The columns that lost. */
  lost: unknown;
}

interface ConflictRow extends BodyColumns {
  readonly number: number;
  readonly table_name: string;
  readonly row_id: string;
  readonly register: string;
  readonly lost_version: string;
  readonly won_version: string;
  readonly found_at: number;
}

const COLUMNS = [
  'number',
  'table_name',
  'row_id',
  'register',
  'lost_version',
  'won_version',
  'found_at',
  'body',
  'body_hash',
] as const;

export function listConflicts(reader: Reader, query: z.output<typeof listSchema>): Page<Conflict> {
  const page = readPage<ConflictRow>(reader, {
    table: 'conflicts',
    columns: COLUMNS,
    where: [],
    sort: 'number',
    tie: 'number',
    descending: true,
    limit: query.limit,
    cursor: query.cursor,
  });
  return { ...page, items: page.items.map((row) => toConflict(reader, row)) };
}

function toConflict(reader: Reader, row: ConflictRow): Conflict {
  return {
    number: row.number,
    table: row.table_name,
    id: row.row_id,
    register: row.register,
    lostVersion: row.lost_version,
    wonVersion: row.won_version,
    foundAt: formatTime(row.found_at),
    lost: JSON.parse(loadBody(reader, row)) as unknown,
  };
}
