import { offlineQueueCheck } from '../../legacy/check/session-side-files.ts';
import { loadBody, type BodyColumns } from '../../db/bodies.ts';
import type { Reader } from '../../db/reader.ts';
import { arrayElements, parseJson } from '../../model/json-text.ts';
import { bodyOf, type ExportContext } from './export-context.ts';
import { sessionFileName } from './legacy-names.ts';
import { RecordPatch } from './record-patch.ts';
import { recordText } from './record-text.ts';

/** How an import tells the queue of another home from the one that has the slot. */
const BESIDE = /~[0-9a-f]{8}$/;
/** Where a message of the library's own making may say what was typed, the likeliest first. */
const TYPED = ['text', 'content', 'prompt'];

/**
 * The one queue of the home: the newest; the others under the names of later versions, which no import
 * of this version reads. One that the old program would refuse is left out.
 */
export async function writeOfflineQueues(context: ExportContext): Promise<void> {
  const queues = await context.read((reader) =>
    reader.list<{ session_id: string; saved_at: number }>(
      ['session_id', 'saved_at'],
      'from offline_queue order by saved_at desc, session_id',
    ),
  );
  let isSlotFree = true;
  for (const queue of queues) {
    const sessionId = queue.session_id.replace(BESIDE, '');
    if (context.session !== undefined && sessionId !== context.session) continue;
    const body = await context.read((reader) =>
      bodyOf(reader, 'offline_queue', queue.session_id, 'session_id'),
    );
    const record = queueRecord(body, sessionId);
    if (offlineQueueCheck(parseJson(record.result())) !== undefined) {
      context.counter.skip('offline_queue', 'wrong_shape');
      continue;
    }
    const name = isSlotFree
      ? 'offline_queue.json'
      : `${sessionFileName(queue.session_id)}.offline_queue.json`;
    context.target.write(
      `sessions/checkpoints/${name}`,
      recordText(record.marked()),
      queue.saved_at,
    );
    if (isSlotFree) context.counter.add('offline_queue');
    else context.counter.skip('offline_queue', 'later_format');
    isSlotFree = false;
  }
}

/** A queue is any object to the library; the old program shows each message by its `display`. */
function queueRecord(body: string, sessionId: string): RecordPatch {
  const queue = new RecordPatch(body);
  if (sessionId !== '') queue.reference('session_id', sessionId);
  const messages = queue.json('messages');
  if (messages?.startsWith('[')) {
    const old = arrayElements(messages);
    const all = old.map(withDisplay);
    if (all.some((text, i) => text !== old[i])) queue.setJson('messages', `[${all.join(',')}]`);
  }
  const draft = queue.json('draft');
  if (draft !== undefined && withDisplay(draft) !== draft) {
    queue.setJson('draft', withDisplay(draft));
  }
  return queue;
}

function withDisplay(message: string): string {
  if (message.startsWith('"')) return `{"display":${message}}`;
  if (!message.startsWith('{')) return message;
  const patch = new RecordPatch(message);
  const typed = TYPED.find((key) => patch.json(key)?.startsWith('"'));
  if (typed !== undefined) patch.fallback('display', patch.json(typed) ?? '""');
  return patch.result();
}

/** As an export would have it; undefined where there is no such row. */
export function exportedQueue(reader: Reader, id: string): RecordPatch | undefined {
  const row = reader.first<BodyColumns>(
    ['body', 'body_hash'],
    'from offline_queue where session_id = ?',
    [id],
  );
  return row && queueRecord(loadBody(reader, row), id.replace(BESIDE, ''));
}
