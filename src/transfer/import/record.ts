import { createHash } from 'node:crypto';
import { EventGaps } from '../../areas/event-gaps.ts';
import type { FixedVersion } from '../../db/fixed-version.ts';
import type { Outcome } from '../../db/import-row.ts';
import type { Reader } from '../../db/reader.ts';
import type { Row, Transaction } from '../../db/transaction.ts';
import { parseJson } from '../../model/json-text.ts';
import type { RowMark } from '../../model/row-mark.ts';
import { boundedTime, parseTime } from '../../model/time.ts';
import { isDerivedId, legacyId } from '../export/legacy-names.ts';
import type { LargeParts } from './large-parts.ts';
import type { Marks } from './marks.ts';

/** One record of a home, as the reader yields it. */
export interface ImportRecord {
  readonly kind: string;
  /** Relative to the root of its home, with slashes. */
  readonly path: string;
  readonly line?: number | undefined;
  /** The id inside the record, where its kind has one. */
  readonly id: string | null;
  /** Whose file it lies in: the session of a receipt, the thread of an event. */
  readonly parent?: string | undefined;
  /** Its exact JSON text, without insignificant white space. */
  readonly raw: string;
  readonly value: Record<string, unknown>;
  readonly mtimeMs: number;
  /** What an export says of the rows that it made the record of, already taken out. */
  readonly mark?: RowMark;
  /** Its text as that export made it. */
  readonly exported?: string;
  /** Of a large record: its text has stand-ins in the place of its long strings. */
  readonly large?: LargeParts;
}

/** The id of the thread whose log a line stands in: the old program shows it there, whatever it says. */
export function logIdOf({ path }: Pick<ImportRecord, 'path'>): string {
  return path.replace(/^.*\//, '').replace(/\.jsonl$/, '');
}

/** What is hashed before an event's line, for its id. */
export function eventHead(record: Pick<ImportRecord, 'path'>): string {
  return `${logIdOf(record)}\n`;
}

/** What is hashed before a line that is kept, as the last string of this list, for its id. */
export function keptHead({ kind, path }: Pick<ImportRecord, 'kind' | 'path'>): string {
  return `${JSON.stringify([kind, path]).slice(0, -1)},"`;
}

/** What tells a home apart from others of this store, by where it lies. */
export function homeLabel(root: string): string {
  return createHash('sha256').update(root).digest('hex').slice(0, 8);
}

/** Where a home stands among those of the store; see {@link HomeContext}. */
export type HomePlace = Pick<HomeContext, 'root' | 'label' | 'rank' | 'earlier'>;

/** A thread of state.db that stands in the store. */
export interface StateThread {
  readonly updatedAt: number;
  readonly isNew: boolean;
  /** Its tools are a device's word, which the home only repeats. */
  readonly toolsWord?: FixedVersion | undefined;
}

/** What the records of one home need to know of each other while they come in. */
export class HomeContext {
  /** Kind and id in the home to the id in the store, where another record bore the short id already. */
  readonly #renamed = new Map<string, string>();
  readonly #turnItems = new Map<string, ReadonlyMap<string, number>>();
  readonly #occurrences = new Map<string, number>();
  /** Those that the batch under way has counted. */
  readonly #counting = new Map<string, number>();
  #anyOrphans: boolean | undefined;
  /** Where events were lost: logs are read from their first line on. */
  readonly gaps = new EventGaps();
  /** Turns of purged threads: their items stay out too. */
  readonly purgedTurns = new Set<string>();
  /** Threads of state.db that stand in the store as this home has them. */
  readonly stateThreads = new Map<string, StateThread>();
  readonly root: string;
  /** By threads of state.db whose row came from this home: their last message, as that names it. */
  readonly leaves = new Map<string, string>();
  /** By threads of state.db: where the conversation of this home ends, as a message of it is named. */
  readonly ends = new Map<string, string>();
  /** Told apart from other homes of this store by this; empty for the first. */
  readonly label: string;
  /** The same, by the order in which homes came and not by where they lie: machines agree on it. */
  readonly rank: string;
  /** The roots of the homes that came into this store before it. */
  readonly earlier: readonly string[];
  /** Every label and rank of this home and of those before it, of which it may be a copy. */
  readonly labels: ReadonlySet<string>;
  readonly #files: Pick<Marks, 'stateOf'>;
  /** The file that was asked about last: its records come one after the other. */
  #asked: { readonly path: string; readonly successor: boolean } | undefined;

  constructor(place: HomePlace, files: Pick<Marks, 'stateOf'>) {
    this.#files = files;
    this.root = place.root;
    this.label = place.label;
    this.rank = place.rank;
    this.earlier = place.earlier;
    const others = place.earlier.slice(1).flatMap((root, i) => [homeLabel(root), String(i + 2)]);
    this.labels = new Set(['', place.rank, place.label, ...others]);
  }

  /** Whether a turn stays out: its file is read again, what belongs to it is known by that alone. */
  staysOut(kind: string, ids: readonly string[]): boolean {
    return kind === 'turns' && ids.some((id) => this.purgedTurns.has(id));
  }

  /** Whether a home that came before has a file of this path. */
  cameEarlier(reader: Reader, path: string): boolean {
    if (this.earlier.length === 0) return false;
    const paths = JSON.stringify(this.earlier.map((root) => `${root}\n${path}`));
    const sql = `select count(*) from import_sources where path in (select value from json_each(?))`;
    return reader.number(sql, [paths]) > 0;
  }

  /**
   * Whether the records of a file win at the same time over what an import left: no home that came
   * before has that file, or it was written since this home was imported last. Else they only fill
   * in what is lacking.
   */
  isSuccessor(reader: Reader, path: string): boolean {
    if (this.#asked?.path !== path) {
      const state = this.#files.stateOf(path);
      const successor = state === 'new' ? !this.cameEarlier(reader, path) : state === 'changed';
      this.#asked = { path, successor };
    }
    return this.#asked.successor;
  }

  rename(kind: string, id: string, storeId: string): void {
    if (id === storeId) this.#renamed.delete(`${kind}:${id}`);
    else this.#renamed.set(`${kind}:${id}`, storeId);
  }

  /** The id in the store of a record of this home. */
  idOf(kind: string, id: string): string {
    return this.#renamed.get(`${kind}:${id}`) ?? id;
  }

  /** The ids of a row of a record that {@link claimId} looked at. */
  rowIdOf({ kind, id }: ImportRecord): { id: string; legacy_id: string | null } {
    const own = id ?? '';
    const storeId = this.idOf(kind, own);
    if (storeId !== own && legacyId(storeId) !== own) return { id: storeId, legacy_id: own };
    return { id: storeId, legacy_id: isDerivedId(storeId) ? shortId(storeId) : null };
  }

  /** 0 for the first time that this text comes in this home, then 1, 2 … */
  occurrence(digest: string): number {
    const count = this.#counting.get(digest) ?? this.#occurrences.get(digest) ?? 0;
    this.#counting.set(digest, count + 1);
    return count;
  }

  /** Forgets what was counted in a batch that failed: its records come again. */
  beginBatch(): void {
    this.#counting.clear();
  }

  endBatch(): void {
    for (const [digest, count] of this.#counting) this.#occurrences.set(digest, count);
    this.#counting.clear();
  }

  /** Whether former imports left records whose parent did not exist, looked up once. */
  anyOrphans(look: () => boolean): boolean {
    return (this.#anyOrphans ??= look());
  }

  /** The order of a turn's items, read once. */
  itemOrder(turnId: string, read: () => readonly string[]): ReadonlyMap<string, number> {
    const known = this.#turnItems.get(turnId);
    if (known) return known;
    // An id may stand there twice: its first place counts, as when the list is walked.
    const order = new Map<string, number>();
    for (const [i, id] of read().entries()) if (!order.has(id)) order.set(id, i);
    if (this.#turnItems.size > 2000) this.#turnItems.clear();
    this.#turnItems.set(turnId, order);
    return order;
  }
}

/** The short id of the old program in an id that an import derived from it. */
export function shortId(derived: string): string {
  return derived.slice(0, derived.lastIndexOf('~'));
}

export type Apply = (
  transaction: Transaction,
  record: ImportRecord,
  context: HomeContext,
) => Outcome;

/** What a record says that it is, by the columns of its row. */
export type Columns = (value: Record<string, unknown>) => Row;

/**
 * The columns that a row's body said, where it is that of an imported record.
 *
 * @param member - one that every such record has, and no body that the library made
 */
export function formerly(columns: Columns, member = 'created_at'): (body: string) => Row {
  return (body) => {
    const value = tryParse(body);
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, member)) return {};
    return columns(value as Record<string, unknown>);
  };
}

function tryParse(body: string): unknown {
  try {
    return parseJson(body);
  } catch {
    // A device of the group made it up: it says nothing.
    return undefined;
  }
}

/** A field that the reader has checked to be text; empty when it is absent. */
export function text(value: Record<string, unknown>, key: string): string {
  const field = value[key];
  return typeof field === 'string' ? field : '';
}

export function textOrNull(value: Record<string, unknown>, key: string): string | null {
  const field = value[key];
  return typeof field === 'string' ? field : null;
}

/** A checked time in unix milliseconds; null when it is absent. */
export function time(value: Record<string, unknown>, key: string): number | null {
  const field = value[key];
  return typeof field === 'string' ? parseTime(field) : null;
}

/** When its file was written, in unix milliseconds: some file systems know times beyond the year 9999. */
export function fileTime({ mtimeMs }: ImportRecord): number {
  return boundedTime(Math.round(mtimeMs));
}

/** A time that the record must have; 0 only if the reader let an odd one pass. */
export function requiredTime(value: Record<string, unknown>, key: string): number {
  return time(value, key) ?? 0;
}

export function seconds(value: Record<string, unknown>, key: string): number | null {
  const field = value[key];
  return typeof field === 'number' ? field * 1000 : null;
}

export function object(value: Record<string, unknown>, key: string): Record<string, unknown> {
  const field = value[key];
  return typeof field === 'object' && field !== null ? (field as Record<string, unknown>) : {};
}
