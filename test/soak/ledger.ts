import { clockOf } from '../../src/model/version.ts';
import { fail } from './violation.ts';

/** Table, id and register. */
export type RegisterKey = `${string}|${string}|${string}`;

/** A row that was to be made: a session, a message, an event … */
export interface MadeRow {
  readonly table: string;
  /** What it is known by wherever it stands. */
  readonly tag: string;
  /** The record that it belongs to, table and id. */
  readonly root: string;
  readonly writer: string;
  /** Its id in the table, told once it was on disk. */
  id: string | null;
  state: 'tried' | 'acked' | 'refused';
  /** The last copy was destroyed by a restore. */
  gone: boolean;
}

/** A version of a register that stood on a disk. */
export interface SeenVersion {
  readonly version: string;
  readonly value: unknown;
  readonly atMs: number;
  /** The clock was wrong: the version is stamped anew before others see it. */
  readonly ahead: boolean;
  gone: boolean;
}

export interface Register {
  readonly key: RegisterKey;
  readonly root: string;
  readonly seen: SeenVersion[];
  /** Whatever somebody began to write into it; null: not known beforehand. */
  readonly tried: Set<unknown>;
}

/** What a version may be ahead of the true time and still stand as it is, in milliseconds. */
const AHEAD_MS = 1000;

/** A value that is known beforehand, or else whether there will be one. */
type Edit = readonly [table: string, id: string, register: string, value: unknown, set: boolean];

interface Try {
  readonly tag: string;
  readonly rows: readonly [table: string, tag: string, rootTable: string, rootId: string][];
  readonly edits: readonly Edit[];
  readonly purged?: readonly [table: string, id: string];
}

interface Ack {
  readonly tag: string;
  readonly ids?: readonly string[];
}

type Stood = readonly [string, string, string, version: string | null, value: unknown];

interface Saw {
  readonly tag: string;
  /** The registers of the edits as they stood before the call, and right after it. */
  readonly before: readonly Stood[];
  readonly registers: readonly Stood[];
  /** What the call returned of each. */
  readonly answers: readonly unknown[];
  readonly at: number;
}

/** Everything that the writers told: what they began, what they were promised. */
export class Ledger {
  /** By table and tag. */
  readonly rows = new Map<string, MadeRow>();
  readonly registers = new Map<RegisterKey, Register>();
  /** Records that somebody began to purge, by table and id. */
  readonly purged = new Set<string>();
  /** By thread and writer: the tags of its events, in the order in which they were acknowledged. */
  readonly order = new Map<string, string[]>();
  readonly #open = new Map<string, readonly MadeRow[]>();
  readonly #edits = new Map<string, readonly Edit[]>();
  acked = 0;

  try(writer: string, { tag, rows, edits, purged }: Try): void {
    const made = rows.map(([table, own, rootTable, rootId]): MadeRow => {
      const root = `${rootTable}|${rootId}`;
      return { table, tag: own, root, writer, id: null, state: 'tried', gone: false };
    });
    for (const row of made) this.rows.set(`${row.table}|${row.tag}`, row);
    this.#open.set(tag, made);
    if (edits.length > 0) this.#edits.set(tag, edits);
    for (const [table, id, register, value] of edits)
      this.#register(table, id, register).tried.add(value);
    if (purged) this.purged.add(purged.join('|'));
  }

  ack({ tag, ids }: Ack): void {
    this.acked++;
    for (const [i, row] of (this.#open.get(tag) ?? []).entries()) {
      row.state = 'acked';
      row.id = row.table === 'sessions' || row.table === 'tasks' ? row.tag : (ids?.[i] ?? row.tag);
      if (row.table !== 'runtime_events') continue;
      const key = `${row.root} ${row.writer}`;
      const list = this.order.get(key) ?? [];
      list.push(row.tag);
      this.order.set(key, list);
    }
    this.#open.delete(tag);
  }

  refuse({ tag }: { readonly tag: string }): void {
    for (const row of this.#open.get(tag) ?? []) row.state = 'refused';
    this.#open.delete(tag);
    this.#edits.delete(tag);
  }

  saw({ tag, before, registers, answers, at }: Saw): void {
    for (const [table, id, name, version, value] of registers) {
      if (version === null || version === '') continue;
      const ahead = clockOf(version).ms > at + AHEAD_MS;
      this.#register(table, id, name).seen.push({ version, value, atMs: at, ahead, gone: false });
    }
    const edits = this.#edits.get(tag) ?? [];
    this.#edits.delete(tag);
    for (const [i, edit] of edits.entries()) {
      const [table, id, register] = edit;
      const what = `${register} of ${table} ${id} by ${tag}`;
      if (!fits(edit, answers[i])) fail(`C2 ${what} was answered with ${String(answers[i])}`);
      const [, , , version, value] = registers[i] as Stood;
      // A later version of somebody else may have come in between.
      if (!fits(edit, value) && version === before[i]?.[3])
        fail(`C2 ${what} was acknowledged and not made: ${String(value)} at ${version}`);
    }
  }

  #register(table: string, id: string, name: string): Register {
    const key: RegisterKey = `${table}|${id}|${name}`;
    const known = this.registers.get(key);
    if (known) return known;
    const made = { key, root: `${table}|${id}`, seen: [], tried: new Set() };
    this.registers.set(key, made);
    return made;
  }
}

function fits([, , , value, set]: Edit, found: unknown): boolean {
  return value === null ? (found !== null) === set : found === value;
}
