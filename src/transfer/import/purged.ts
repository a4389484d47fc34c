import type { Reader } from '../../db/reader.ts';
import { object, text, type HomeContext, type ImportRecord } from './record.ts';

interface Owner {
  readonly table: string;
  readonly id: (record: ImportRecord, context: HomeContext) => string;
}

const inner = (key: string) => (record: ImportRecord) => text(record.value, key);
const session: Owner = {
  table: 'sessions',
  id: (record) => text(object(record.value, 'metadata'), 'id').trim(),
};
const stateThread = (key: string): Owner => ({ table: 'threads', id: inner(key) });

/** Whose purge keeps a record out. */
const OWNERS: ReadonlyMap<string, Owner> = new Map([
  ['sessions', session],
  ['checkpoints', session],
  ['offline_queue', { table: 'sessions', id: inner('session_id') }],
  ['session_goals', { table: 'sessions', id: (record) => record.id ?? '' }],
  ['approval_receipts', { table: 'sessions', id: (record) => record.parent ?? '' }],
  ['threads', { table: 'runtime_threads', id: (r, c) => c.idOf('threads', r.id ?? '') }],
  ['turns', { table: 'runtime_threads', id: (r, c) => c.idOf('threads', inner('thread_id')(r)) }],
  ['events', { table: 'runtime_threads', id: (r, c) => c.idOf('threads', r.parent ?? '') }],
  ['tasks', { table: 'tasks', id: (r, c) => c.idOf('tasks', r.id ?? '') }],
  ['automations', { table: 'automations', id: inner('id') }],
  ['automation_runs', { table: 'automations', id: inner('automation_id') }],
  ['triggers', { table: 'sessions', id: inner('owner_session_id') }],
  ['state.threads', stateThread('id')],
  ['state.messages', stateThread('thread_id')],
  ['state.checkpoints', stateThread('thread_id')],
  ['state.thread_goals', stateThread('thread_id')],
]);

/** True for a record of something that the user emptied for good: no import brings it back. */
export function isPurged(reader: Reader, record: ImportRecord, context: HomeContext): boolean {
  if (record.kind === 'items') return context.purgedTurns.has(text(record.value, 'turn_id'));
  const owner = OWNERS.get(record.kind);
  if (!owner) return false;
  const purged =
    reader.number(`select count(*) from ${owner.table} where id = ? and purged_at is not null`, [
      owner.id(record, context),
    ]) > 0;
  if (purged && record.kind === 'turns') context.purgedTurns.add(record.id ?? '');
  return purged;
}
