import { loadBody, type BodyColumns } from '../db/bodies.ts';
import type { Reader } from '../db/reader.ts';
import {
  ownerNames,
  RECORD_OWNERS,
  recordOwner,
  type OwnerTable,
  type RecordOwner,
} from '../model/record-owners.ts';

/** A row of `legacy_records`, as far as it tells whose it is. */
export interface KeptRow extends BodyColumns {
  readonly kind: string;
  readonly owner_id: string | null;
}

interface Root {
  readonly table: Exclude<OwnerTable, 'runtime_turns'>;
  readonly id: string;
}

const COLUMNS = ['kind', 'owner_id', 'body', 'body_hash'] as const;

/** The record that a kept one goes with: of several one that was purged; undefined where it has none. */
export function keptRoot(reader: Reader, kept: KeptRow): Root | undefined {
  const roots = rootsOf(reader, kept);
  return (roots.find((known) => arePurged(reader, known)) ?? roots[0])?.[0];
}

/** The ids of the kept records that go with a purged one. */
export function keptOf(reader: Reader, table: string, id: string): string[] {
  const names = [...new Set([id, shortName(id)])];
  const found = findKept(reader, table, names);
  if (table !== 'runtime_threads') return found.map((kept) => kept.id);
  const turns = reader.rows('select id, legacy_id from runtime_turns where thread_id = ?', [id]);
  const lone = found.filter(({ kind }) => kind === 'turns').map(({ owner_id }) => owner_id);
  const items = findKept(reader, 'runtime_turns', [...turns.flat(), ...lone]);
  return [...found, ...items].map((kept) => kept.id);
}

/** Those of one kind of owner that have one of these names for it, and that nobody else claims. */
function findKept(reader: Reader, table: string, names: readonly unknown[]) {
  const list = JSON.stringify(names.filter((name) => name !== null));
  const kinds = Object.keys(RECORD_OWNERS).filter((kind) => recordOwner(kind)?.table === table);
  return kinds.flatMap((kind) => {
    const rows = reader.list<KeptRow & { id: string }>(
      ['id', ...COLUMNS],
      `from legacy_records where kind = ?1 and body is not 'null'
       and (body is null or ${namedIn(recordOwner(kind) as RecordOwner)})`,
      [kind, list],
    );
    return rows.filter((row) => rootsOf(reader, row).some((known) => arePurged(reader, known)));
  });
}

/** The condition that a row in its table names one of the list ?2. */
function namedIn({ members }: RecordOwner): string {
  const columns = members.map((path) => `json_extract(body, '$.${path.join('.')}')`);
  return (columns.length === 0 ? ['owner_id'] : columns)
    .map((column) => `${column} in (select value from json_each(?2))`)
    .join(' or ');
}

/**
 * By each name that a kept record has for an owner the records that may be meant. Two homes may have a
 * short id for two records: which of them a kept record means it does not say.
 */
function rootsOf(reader: Reader, kept: KeptRow): Root[][] {
  const owner = recordOwner(kept.kind);
  if (!owner) return [];
  const value = owner.members.length === 0 ? null : (JSON.parse(loadBody(reader, kept)) as unknown);
  return ownerNames(owner, { ownerId: kept.owner_id, value })
    .map((name) => rootsNamed(reader, owner.table, name))
    .filter((known) => known.length > 0);
}

function rootsNamed(reader: Reader, table: OwnerTable, name: string): Root[] {
  if (table === 'runtime_turns') return threadsOfTurn(reader, name);
  const known = reader.rows(`select id from ${table} where ${BEARS_NAME}`, [name]);
  if (known.length === 0) return [{ table, id: name }];
  return known.map(([id]) => ({ table, id: id as string }));
}

/** A record that another home's had the short id of bears it with something behind it. */
const BEARS_NAME = `(id = ?1 or (id > ?1 || '~' and id < ?1 || '~g'))`;

/** A turn without a thread is itself a kept record. */
function threadsOfTurn(reader: Reader, name: string): Root[] {
  const threads = reader
    .rows(`select distinct thread_id from runtime_turns where ${BEARS_NAME}`, [name])
    .map(([id]): Root => ({ table: 'runtime_threads', id: id as string }));
  const lone = reader.list<KeptRow>(
    COLUMNS,
    `from legacy_records where kind = 'turns' and owner_id = ? and body is not 'null'`,
    [name],
  );
  return [...threads, ...lone.flatMap((turn) => rootsOf(reader, turn).flat())];
}

/** Where one of two that may be meant is still there, nothing is taken from it. */
function arePurged(reader: Reader, roots: readonly Root[]): boolean {
  return roots.every(({ table, id }) => {
    const sql = `select count(*) from ${table} where id = ? and purged_at is not null`;
    return reader.number(sql, [id]) > 0;
  });
}

function shortName(id: string): string {
  return id.replace(/~[0-9a-f]{8}$/, '');
}
