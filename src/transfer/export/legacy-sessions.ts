import { currentLeaf } from '../../areas/message-tree.ts';
import { SESSION_TREE } from '../../areas/session-rows.ts';
import { loadBody, type BodyColumns } from '../../db/bodies.ts';
import { messageId } from '../../model/session.ts';
import { parseJson, patchObject } from '../../model/json-text.ts';
import { withMark, type RowMark } from '../../model/row-mark.ts';
import { mapElements } from '../../model/stored-block.ts';
import { IMPORT_DEVICE } from '../../model/version.ts';
import type { Reader } from '../../db/reader.ts';
import { checkpointCheck, sessionCheck } from '../../legacy/check/session.ts';
import {
  bodyOf,
  countDeleted,
  eachRow,
  live,
  type ExportContext,
  type RowQuery,
} from './export-context.ts';
import { sessionFileName } from './legacy-names.ts';
import { RecordPatch } from './record-patch.ts';
import { joinSession, type DocumentMessage } from './session-document.ts';
import { readableMessage } from './readable-blocks.ts';
import { recordText, wellFormedJson } from './record-text.ts';
import { saidOf, textDigest } from './said.ts';
import { sessions } from '../../model/registers.ts';

interface SessionRow {
  readonly id: string;
  readonly title: string;
  readonly workspace: string;
  readonly model: string;
  readonly parent_id: string | null;
  readonly created_at: number;
  readonly updated_at: number;
  readonly archived_at: number | null;
  readonly message_count: number;
}

const COLUMNS = [
  'id',
  'title',
  'workspace',
  'model',
  'parent_id',
  'created_at',
  'updated_at',
  'archived_at',
  'message_count',
] as const;

/** `sessions/<id>.json`: one at a time in memory, with its messages. */
export async function writeSessions(context: ExportContext): Promise<void> {
  const { session } = context;
  if (session === undefined) await countDeleted(context, 'sessions', 'sessions');
  context.target.folder('sessions');
  const query: RowQuery<SessionRow> = {
    kind: 'sessions',
    columns: COLUMNS,
    from: `from sessions s where ${live('s')}${session === undefined ? '' : ' and id = ?'}`,
    params: session === undefined ? [] : [session],
    key: 'id',
  };
  await eachRow(context, query, (reader, row) => {
    const messages = readMessages(reader, row.id);
    const { raw, ids, isBare, dated } = sessionRecord(reader, row, messages);
    if (isBare) context.counter.skip('sessions.details', 'wrong_shape');
    const said = saidOf(reader, sessions, row.id, textDigest(raw));
    const text = markedSession(raw, ids, markedMessages(row.id, messages, dated), said);
    context.target.write(`sessions/${sessionFileName(row.id)}.json`, recordText(text));
    context.counter.add('sessions');
  });
}

/** A session as an export would have it, without its mark; undefined where there is none. */
export function exportedSession(reader: Reader, id: string): string | undefined {
  const row = reader.first<SessionRow>(COLUMNS, 'from sessions where id = ?', [id]);
  return row && sessionRecord(reader, row, readMessages(reader, id)).raw;
}

function markedSession(
  raw: string,
  ids: RowMark['ids'],
  messages: RowMark['messages'] & object,
  said?: RowMark,
): string {
  const mark: RowMark = {
    ...said,
    ...(ids ? { ids } : {}),
    ...(messages.length > 0 ? { messages } : {}),
  };
  return Object.keys(mark).length > 0 ? withMark(raw, mark) : raw;
}

/**
 * The rows of which an import would make others: no import made them, or they have no time and got one
 * here. And their twins, which it must tell from them.
 */
function markedMessages(
  sessionId: string,
  messages: ReadonlyMap<string, StoredMessage>,
  dated: ReadonlySet<string>,
): RowMark['messages'] & object {
  const isOther = ({ id, device }: { id: string; device: string }) =>
    device !== IMPORT_DEVICE || dated.has(id);
  if (![...messages.values()].some(isOther)) return [];
  const all = [...messages.values()].map(({ id, device, createdAt: at, parentId, stored }) => {
    return { id, device, at, says: messageId(sessionId, parentId, wellFormedJson(stored)) };
  });
  const said = new Set(all.filter(isOther).map(({ says }) => says));
  return all.filter(({ says }) => said.has(says));
}

function sessionRecord(
  reader: Reader,
  row: SessionRow,
  messages: ReadonlyMap<string, StoredMessage>,
): { raw: string; ids: RowMark['ids']; isBare: boolean; dated: ReadonlySet<string> } {
  const body = withMetadataFirst(bodyOf(reader, 'sessions', row.id));
  const isBare = !isReadable(body, row);
  const { raw, length, dated } = joinSession({
    id: row.id,
    body: isBare ? withMetadataFirst('{}') : body,
    messages,
    leaf: currentLeaf(reader, SESSION_TREE, row.id),
    createdAt: row.created_at,
  });
  const metadata = metadataOf(raw, row, length);
  const whole = completeSession(new RecordPatch(raw), metadata);
  return { raw: whole, ids: metadata.ids, isBare, dated };
}

function metadataOf(raw: string, row: SessionRow, length: number | null): RecordPatch {
  const metadata = new RecordPatch(new RecordPatch(raw).json('metadata') ?? '{}');
  metadata
    .reference('id', row.id)
    .text('title', row.title)
    .time('created_at', row.created_at)
    .time('updated_at', row.updated_at);
  if (length !== null) metadata.setJson('message_count', String(length));
  metadata
    .fallback('message_count', String(row.message_count))
    .fallback('total_tokens', '0')
    .text('model', row.model)
    .text('workspace', row.workspace)
    .reference('parent_session_id', row.parent_id);
  const archived = row.archived_at !== null;
  if (archived !== (metadata.value('archived') === true)) {
    metadata.setJson('archived', archived ? 'true' : undefined);
  }
  return metadata;
}

/**
 * Whether the old program reads what a session has besides its conversation: the details of one that the
 * library made may be anything.
 */
function isReadable(body: string, row: SessionRow): boolean {
  const metadata = metadataOf(body, row, 0).result();
  const conversation = { messages: '[]', journal: undefined, leaf_id: undefined };
  return sessionCheck(parseJson(patchObject(body, { metadata, ...conversation }))) === undefined;
}

/** The old program lists sessions by the first 64 KiB of their files: the metadata must be there. */
function withMetadataFirst(body: string): string {
  const record = new RecordPatch(body);
  if (record.json('metadata')?.startsWith('{')) return body;
  const rest = record.setJson('schema_version', undefined).setJson('metadata', undefined).result();
  const head = '{"schema_version":1,"metadata":{}';
  return rest === '{}' ? `${head}}` : `${head},${rest.slice(1)}`;
}

/** What every session file has, where this one lacks it. */
function completeSession(session: RecordPatch, metadata: RecordPatch): string {
  if (metadata.changed) session.setJson('metadata', metadata.result());
  return session.fallback('messages', '[]').result();
}

interface StoredMessage extends DocumentMessage {
  readonly device: string;
  /** Its body as the store has it; the other one the old program can read. */
  readonly stored: string;
}

function readMessages(reader: Reader, sessionId: string): Map<string, StoredMessage> {
  const rows = reader.list<
    {
      id: string;
      parent_id: string | null;
      created_at: number | null;
      device: string;
    } & BodyColumns
  >(
    ['id', 'parent_id', 'created_at', 'device', 'body', 'body_hash'],
    'from session_messages where session_id = ? order by number',
    [sessionId],
  );
  return parentsFirst(
    rows.map((row) => {
      const { id, device } = row;
      const stored = loadBody(reader, row);
      const body = device === IMPORT_DEVICE ? stored : readableMessage(stored);
      const message = { id, parentId: row.parent_id, createdAt: row.created_at, device };
      return { ...message, stored, body };
    }),
  );
}

/** By id, in their order, but each after its parent: one that was lost came back after what follows it. */
function parentsFirst(messages: readonly StoredMessage[]): Map<string, StoredMessage> {
  const byId = new Map(messages.map((message) => [message.id, message]));
  const ordered = new Map<string, StoredMessage>();
  for (const message of messages) {
    const path = new Set<StoredMessage>();
    for (let at: StoredMessage | undefined = message; at && !ordered.has(at.id);) {
      if (path.has(at)) break;
      path.add(at);
      at = byId.get(at.parentId ?? '');
    }
    for (const one of [...path].toReversed()) ordered.set(one.id, one);
  }
  return ordered;
}

interface CheckpointRow {
  readonly id: string;
  readonly session_id: string;
  readonly saved_at: number;
}

const CHECKPOINT_COLUMNS = ['id', 'session_id', 'saved_at'] as const;

/** As an export would have it, without its mark; undefined where there is none. */
export function exportedCheckpoint(reader: Reader, id: string): string | undefined {
  const from = 'from session_checkpoints where id = ?';
  const row = reader.first<CheckpointRow>(CHECKPOINT_COLUMNS, from, [id]);
  return row && checkpointRecord(reader, row).raw;
}

/** `sessions/checkpoints/<id>.json`. Their age is the time of the file. */
export async function writeCheckpoints(context: ExportContext): Promise<void> {
  const { session } = context;
  const query: RowQuery<CheckpointRow> = {
    kind: 'checkpoints',
    columns: CHECKPOINT_COLUMNS,
    from: `from session_checkpoints where ${session === undefined ? '1' : 'session_id = ?'}`,
    params: session === undefined ? [] : [session],
    key: 'id',
  };
  await eachRow(context, query, (reader, row) => {
    const name = row.id === 'latest' ? row.id : sessionFileName(row.id);
    const { raw, ids } = checkpointRecord(reader, row);
    if (checkpointCheck(parseJson(raw)) !== undefined) {
      context.counter.skip('checkpoints', 'wrong_shape');
      return;
    }
    context.target.write(
      `sessions/checkpoints/${name}.json`,
      recordText(markedSession(raw, ids, [])),
      row.saved_at,
    );
    context.counter.add('checkpoints');
  });
}

/** A checkpoint is any object to the library; to the old program it is a whole session. */
function checkpointRecord(
  reader: Reader,
  row: CheckpointRow,
): { raw: string; ids: RowMark['ids'] } {
  const checkpoint = new RecordPatch(
    withMetadataFirst(bodyOf(reader, 'session_checkpoints', row.id)),
  );
  const metadata = new RecordPatch(checkpoint.json('metadata') ?? '{}');
  const of = reader.first<SessionRow>(COLUMNS, 'from sessions where id = ?', [row.session_id]);
  const text = (value: string) => JSON.stringify(value);
  const time = (ms: number) => text(new Date(ms).toISOString());
  if (!metadata.has('id')) metadata.reference('id', row.session_id);
  metadata
    .fallback('title', text(of?.title ?? 'New Session'))
    .fallback('created_at', time(of?.created_at ?? row.saved_at))
    .fallback('updated_at', time(row.saved_at))
    .fallback('message_count', String(of?.message_count ?? 0))
    .fallback('total_tokens', '0')
    .fallback('model', text(of?.model ?? 'auto'))
    .fallback('workspace', text(of?.workspace ?? ''));
  const messages = mapElements(checkpoint.json('messages') ?? '[]', readableMessage);
  checkpoint.setJson('messages', messages);
  return { raw: completeSession(checkpoint, metadata), ids: metadata.ids };
}
