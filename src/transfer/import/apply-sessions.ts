import { importPlain, noteForSearch } from '../../db/import-row.ts';
import { splitSession } from '../../model/legacy-session.ts';
import { sessions } from '../../model/registers.ts';
import { parseTime } from '../../model/time.ts';
import { followFile, heldConversation } from './follow-file.ts';
import { storeRecordText } from './large-parts.ts';
import { SessionNames } from './session-names.ts';
import {
  formerly,
  object,
  requiredTime,
  text,
  textOrNull,
  type Apply,
  type Columns,
} from './record.ts';
import { takeRow } from './take-row.ts';

/** A session file: its metadata, its messages as rows, the branch that it is on. */
export const applySession: Apply = (transaction, record, context) => {
  const metadata = object(record.value, 'metadata');
  const id = text(metadata, 'id').trim();
  const updatedAt = requiredTime(metadata, 'updated_at');
  const names = record.large?.names ?? SessionNames.of(transaction, id, record.mark);
  const split = record.large?.split ?? splitSession(record.raw, (message) => names.nameOf(message));
  const held = heldConversation(transaction, id);
  let added = false;
  for (const message of split.rows) {
    const outcome = importPlain(transaction, 'session_messages', {
      id: message.id,
      session_id: id,
      parent_id: message.parentId,
      role: message.role,
      created_at: message.createdAt === null ? null : parseTime(message.createdAt),
      ...storeRecordText(transaction, record, message.body),
      ...names.rowOf(message.id),
    });
    if (outcome === 'imported') added = true;
    const at = (message.createdAt === null ? null : parseTime(message.createdAt)) ?? updatedAt;
    noteForSearch(transaction, outcome, { kind: 'message', refId: message.id, ownerId: id, at });
  }
  const body = storeRecordText(transaction, record, split.skeleton);
  const columns: Columns = (value) => {
    const said = object(value, 'metadata');
    return {
      title: text(said, 'title'),
      workspace: text(said, 'workspace'),
      model: text(said, 'model'),
      parent_id: textOrNull(said, 'parent_session_id'),
      created_at: requiredTime(said, 'created_at'),
      archived_at: said['archived'] === true ? updatedAt : null,
    };
  };
  const outcome = takeRow(
    transaction,
    { record, context },
    sessions,
    {
      id,
      ...columns(record.value),
      deleted_at: null,
      updated_at: updatedAt,
      message_count: held?.length ?? 0,
      ...body,
    },
    updatedAt,
    formerly(columns, 'metadata'),
  );
  followFile(transaction, id, { ...split, body }, held, added);
  noteForSearch(transaction, outcome, { kind: 'session', refId: id, ownerId: id, at: updatedAt });
  return outcome === 'unchanged' && added ? 'updated' : outcome;
};
