import { currentLeaf } from '../../areas/message-tree.ts';
import { THREAD_TREE } from '../../areas/thread-messages.ts';
import type { Reader } from '../../db/reader.ts';
import { objectMembers } from '../../model/json-text.ts';
import { IMPORT_DEVICE } from '../../model/version.ts';
import { exportedGoal } from '../export/legacy-goals.ts';
import { exportedQueue } from '../export/legacy-queues.ts';
import { exportedItem, exportedThread, exportedTurn } from '../export/legacy-runtime.ts';
import { exportedCheckpoint, exportedSession } from '../export/legacy-sessions.ts';
import {
  exportedJob,
  exportedStateCheckpoint,
  exportedStateThread,
} from '../export/legacy-state-rows.ts';
import { exportedTask } from '../export/legacy-tasks.ts';
import { exportedAutomation, exportedRun, exportedTrigger } from '../export/legacy-automations.ts';
import type { RecordPatch } from '../export/record-patch.ts';
import { STATE_DEFAULTS } from '../export/said.ts';
import { wellFormedJson } from '../export/record-text.ts';
import { exactInteger, stateMessageId } from './apply-state-message.ts';
import { object, text, type HomeContext, type ImportRecord } from './record.ts';

type Exported = (
  reader: Reader,
  record: ImportRecord,
  context: HomeContext,
) => RecordPatch | string | undefined;

const byId =
  (exported: (reader: Reader, id: string) => ReturnType<Exported>): Exported =>
  (reader, record, context) =>
    exported(reader, context.idOf(record.kind, record.id ?? ''));
const byMember =
  (key: string, exported: (reader: Reader, id: string) => ReturnType<Exported>): Exported =>
  (reader, { value }) =>
    exported(reader, text(value, key));

const EXPORTED: ReadonlyMap<string, Exported> = new Map([
  ['sessions', ofSession],
  ['checkpoints', byId((reader, id) => exportedCheckpoint(reader, id))],
  ['offline_queue', byMember('session_id', exportedQueue)],
  ['threads', byId(exportedThread)],
  ['turns', byId(exportedTurn)],
  ['items', byId(exportedItem)],
  ['tasks', byId(exportedTask)],
  ['automations', byMember('id', exportedAutomation)],
  ['automation_runs', byMember('id', exportedRun)],
  ['triggers', byMember('trigger_id', exportedTrigger)],
  ['runtime_goals', ofRuntimeGoal],
  ['session_goals', ofSessionGoal],
  ['state.threads', ofStateThread],
  ['state.jobs', byMember('id', exportedJob)],
  ['state.checkpoints', byId(exportedStateCheckpoint)],
  ['state.thread_goals', byMember('thread_id', (reader, id) => exportedGoal('thread', reader, id))],
]);

/**
 * Whether a record says just what an export would say of its row: then nobody changed it since it was
 * exported, and it brings nothing. What the format cannot tell, such as who runs a task, is not lost.
 */
export function isAsExported(reader: Reader, record: ImportRecord, context: HomeContext): boolean {
  if (record.large) return false;
  const exported = EXPORTED.get(record.kind)?.(reader, record, context);
  if (exported === undefined) return false;
  const raw = wellFormedJson(typeof exported === 'string' ? exported : exported.result());
  const incoming = record.exported ?? record.raw;
  return record.kind.startsWith('state.') ? isRowOf(raw, incoming) : raw === incoming;
}

/** A session is made of many rows: it is put together only where something was done to it here. */
function ofSession(reader: Reader, { value, mark }: ImportRecord): string | undefined {
  const id = text(object(value, 'metadata'), 'id').trim();
  const sql = `select exists (select 1 from sessions where id = ?1 and (device <> ?2
      or title_version not like ?3 or archive_version not like ?3 or details_version not like ?3))
    or exists (select 1 from session_messages where session_id = ?1 and device <> ?2)`;
  const isTouched = () => reader.number(sql, [id, IMPORT_DEVICE, `%-${IMPORT_DEVICE}-%`]) > 0;
  return mark || isTouched() ? exportedSession(reader, id) : undefined;
}

function ofRuntimeGoal(reader: Reader, { value }: ImportRecord, context: HomeContext) {
  return exportedGoal('runtime', reader, context.idOf('threads', text(value, 'thread_id')));
}

function ofSessionGoal(reader: Reader, record: ImportRecord, context: HomeContext) {
  return exportedGoal('session', reader, context.idOf('sessions', record.id ?? ''));
}

/** Its current message is told by a number of the file: here by the id, where that is known. */
function ofStateThread(
  reader: Reader,
  { raw, value, mark }: ImportRecord,
): RecordPatch | undefined {
  const id = text(value, 'id');
  const number = exactInteger(raw, 'current_leaf_id');
  const leaf = mark?.leaf ?? (number === null ? null : stateMessageId(id, number));
  return currentLeaf(reader, THREAD_TREE, id) === leaf
    ? exportedStateThread(reader, id)
    : undefined;
}

/** Whether a row of state.db was written of this record. */
function isRowOf(exported: string, row: string): boolean {
  const members = new Map(objectMembers(exported).map(({ key, value }) => [key, value]));
  return objectMembers(row).every(({ key, value }) => {
    if (key === 'current_leaf_id') return true;
    const member = members.get(key) ?? STATE_DEFAULTS[key] ?? 'null';
    return value === (/^[{[]/.test(member) ? JSON.stringify(member) : member);
  });
}
