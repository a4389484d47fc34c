import type { Reader } from '../../db/reader.ts';
import type { LegacyKind } from '../../legacy/kinds.ts';
import {
  ownerNames,
  RECORD_OWNERS,
  type OwnerTable,
  type RecordOwner,
} from '../../model/record-owners.ts';
import type { HomeContext, ImportRecord } from './record.ts';

const OWNERS: Readonly<Record<LegacyKind, RecordOwner | undefined>> = RECORD_OWNERS;

/** The kinds of owners whose ids in the store may be others than in their home. */
const KINDS: Partial<Record<OwnerTable, LegacyKind>> = {
  sessions: 'sessions',
  runtime_threads: 'threads',
  runtime_turns: 'turns',
  tasks: 'tasks',
};

/** True for a record of something that the user emptied for good: no import brings it back. */
export function isPurged(reader: Reader, record: ImportRecord, context: HomeContext): boolean {
  const owner = OWNERS[record.kind as LegacyKind];
  if (!owner) return false;
  const ownerId = record.parent ?? record.id;
  const idOf = (name: string) => context.idOf(KINDS[owner.table] ?? '', name);
  const purged = ownerNames(owner, { ownerId, value: record.value }).some((name) => {
    if (owner.table !== 'runtime_turns') return isEmptied(reader, owner.table, idOf(name));
    return context.purgedTurns.has(name) || isTurnEmptied(reader, idOf(name));
  });
  if (purged && record.kind === 'turns') context.purgedTurns.add(record.id ?? '');
  return purged;
}

function isEmptied(reader: Reader, table: string, id: string): boolean {
  const sql = `select count(*) from ${table} where id = ? and purged_at is not null`;
  return reader.number(sql, [id]) > 0;
}

/** Its thread was purged after the turn came in. */
function isTurnEmptied(reader: Reader, id: string): boolean {
  const sql = `select count(*) from runtime_turns t join runtime_threads r on r.id = t.thread_id
    where t.id = ? and r.purged_at is not null`;
  return reader.number(sql, [id]) > 0;
}
