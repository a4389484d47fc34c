import { lackingDetail, wholePayload } from '../../areas/large-events.ts';
import { loadBody } from '../../db/bodies.ts';
import { isLarge } from '../../db/large-bodies.ts';
import type { Reader } from '../../db/reader.ts';
import { objectMembers, patchObject } from '../../model/json-text.ts';
import { eventLine, keptTime } from '../../model/legacy-lines.ts';
import { withMark } from '../../model/row-mark.ts';
import { formatTime } from '../../model/time.ts';
import { IMPORT_DEVICE } from '../../model/version.ts';
import {
  bodyColumns,
  bodyOf,
  eachRow,
  live,
  type ExportContext,
  type RowQuery,
} from './export-context.ts';
import { HollowRecord } from './hollow-record.ts';
import type { KeptDocument } from './legacy-kept.ts';
import { legacyId, legacyIdOrNull } from './legacy-names.ts';
import { RUNTIME } from './legacy-runtime.ts';
import { RecordPatch } from './record-patch.ts';
import { recordText, wellFormedJson } from './record-text.ts';

interface EventRow {
  readonly id: string;
  readonly number: number;
  readonly seq: number;
  readonly type: string;
  readonly turn_id: string | null;
  readonly item_id: string | null;
  readonly created_at: number;
  readonly legacy_seq: string | null;
  readonly legacy: string | null;
  readonly device: string;
}

interface ThreadRow {
  readonly id: string;
  readonly legacy_id: string | null;
}

/** Numbers for events that the old program did not write: above all that it gave out. */
export interface SeqSource {
  /** What is added to the row number of such an event. */
  readonly offset: bigint;
  /** The highest that was written so far. */
  highest: bigint;
}

/**
 * `events/<thread>.jsonl`, in the order of the store. Numbers of the old program stay; gaps are
 * legal there, so that events of the library are numbered by their rows.
 */
export async function writeEvents(context: ExportContext, seqs: SeqSource): Promise<void> {
  const threads: ThreadRow[] = [];
  const query: RowQuery<ThreadRow> = {
    kind: 'events',
    columns: ['id', 'legacy_id'],
    from: `from runtime_threads t where ${live('t')}`,
    key: 'id',
  };
  await eachRow(context, query, (_, row) => threads.push(row));
  for (const thread of threads) await writeLog(context, thread, seqs);
}

async function writeLog(context: ExportContext, thread: ThreadRow, seqs: SeqSource): Promise<void> {
  const has = await context.read((reader) =>
    reader.number('select exists (select 1 from runtime_events where thread_id = ?)', [thread.id]),
  );
  if (has === 0) return;
  const file = context.target.lines(`${RUNTIME}/events/${legacyId(thread.id)}.jsonl`);
  try {
    const query: RowQuery<EventRow> = {
      kind: 'events',
      columns: [
        'id',
        'number',
        'seq',
        'type',
        'turn_id',
        'item_id',
        'created_at',
        'legacy_seq',
        'legacy',
        'device',
      ],
      from: 'from runtime_events where thread_id = ?',
      params: [thread.id],
      key: 'seq',
    };
    await eachRow(context, query, (reader, row, later) => {
      const line = (payload: string) =>
        wellFormedJson(marked(row, thread, lineOf(row, thread, payload, seqs)));
      const body = bodyColumns(reader, 'runtime_events', row.id);
      const payload = isLarge(reader, body) ? undefined : loadBody(reader, body);
      if (payload === undefined || lackingDetail(reader, payload, row.item_id) !== undefined) {
        later(async () => {
          const hollow = new HollowRecord(context);
          const known = payload ?? (await hollow.body(body.body_hash ?? ''));
          const text = line(await withDetail(context, hollow, known, row.item_id));
          for await (const bytes of hollow.bytes(`${text}\n`)) file.append(bytes);
        });
      } else file.write(line(payload));
      context.counter.add('events');
    });
  } finally {
    file.close();
  }
}

/** A payload with the large detail in it that stands in the body of its item alone. */
async function withDetail(
  context: ExportContext,
  hollow: HollowRecord,
  payload: string,
  itemId: string | null,
): Promise<string> {
  const hash = await context.read((reader) => lackingDetail(reader, payload, itemId));
  if (hash === undefined) return payload;
  return wholePayload(payload, hash === null ? '{}' : await hollow.body(hash));
}

/** An import makes the id of an event from its line, where that is the one that came in. */
function marked(row: EventRow, thread: ThreadRow, line: string): string {
  const { id, device } = row;
  const names = { thread_id: thread.id, turn_id: row.turn_id, item_id: row.item_id };
  const spelled = Object.entries(names).filter(
    (name): name is [string, string] => name[1] !== null && legacyId(name[1]) !== name[1],
  );
  if (device === IMPORT_DEVICE && spelled.length === 0) return line;
  const ids = Object.fromEntries(spelled);
  return withMark(line, { id, device, ...(spelled.length > 0 ? { ids } : {}) });
}

function lineOf(row: EventRow, thread: ThreadRow, payload: string, seqs: SeqSource): string {
  const seq = row.legacy_seq ?? String(atMost(BigInt(row.number) + seqs.offset));
  if (BigInt(seq) > seqs.highest) seqs.highest = BigInt(seq);
  const timestamp = keptTime(row.legacy);
  if (row.legacy === null || timestamp !== undefined) {
    return eventLine({
      seq,
      timestamp: timestamp ?? formatTime(row.created_at),
      threadId: legacyId(thread.id),
      turnId: legacyIdOrNull(row.turn_id),
      itemId: legacyIdOrNull(row.item_id),
      event: row.type,
      payload,
    });
  }
  const line = new RecordPatch(row.legacy)
    .setJson('payload', payload)
    .reference('turn_id', row.turn_id)
    .reference('item_id', row.item_id);
  // The line may name another thread than its file does, and then goes on doing so.
  if (thread.legacy_id !== null && line.value('thread_id') === thread.legacy_id) {
    line.reference('thread_id', thread.id);
  }
  return line.result();
}

/** Prepares the numbering: above the counter file and above every number that is kept. */
export async function seqSource(context: ExportContext): Promise<SeqSource> {
  return context.read((reader) => {
    const highest = [counterOf(reader) - 1n, highestLegacySeq(reader), highestOrphanSeq(reader)];
    const base = highest.reduce((a, b) => (a > b ? a : b), 0n);
    const first = reader.number('select min(number) from runtime_events where legacy_seq is null');
    return { offset: base + 1n - BigInt(first), highest: base };
  });
}

function highestLegacySeq(reader: Reader): bigint {
  const row = reader.first<{ legacy_seq: string }>(
    ['legacy_seq'],
    `from runtime_events where legacy_seq is not null
     order by length(legacy_seq) desc, legacy_seq desc`,
  );
  return BigInt(row?.legacy_seq ?? '0');
}

function highestOrphanSeq(reader: Reader): bigint {
  let highest = 0n;
  for (const { id } of reader.list<{ id: string }>(
    ['id'],
    `from legacy_records where kind = 'events' and body is not 'null'`,
  )) {
    highest = maxOf(highest, memberInteger(bodyOf(reader, 'legacy_records', id), 'seq'));
  }
  return highest;
}

function counterOf(reader: Reader): bigint {
  const rows = reader.list<{ id: string }>(
    ['id'],
    `from legacy_records where kind = 'runtime_state'`,
  );
  return rows.reduce(
    (max, row) => maxOf(max, memberInteger(bodyOf(reader, 'legacy_records', row.id), 'next_seq')),
    1n,
  );
}

/** `state.json`: the kept one, with a counter above every number; none where there are no events. */
export function writeCounter(
  context: ExportContext,
  kept: KeptDocument | undefined,
  highest: bigint,
): void {
  const next = String(atMost(highest + 1n));
  if (kept === undefined && highest === 0n) return;
  let raw = kept?.raw ?? withMark(`{"schema_version":2,"next_seq":${next}}`, { made: true });
  if (memberInteger(raw, 'next_seq') <= highest) {
    const was = objectMembers(raw).find(({ key }) => key === 'next_seq')?.value ?? null;
    raw = withMark(patchObject(raw, { next_seq: next }), { was: { next_seq: was } });
  }
  context.target.write(`${RUNTIME}/state.json`, recordText(raw), kept?.modifiedAt);
  context.counter.add('runtime_state');
}

/** An exact integer that may pass 2^53. */
function memberInteger(raw: string, key: string): bigint {
  const text = objectMembers(raw).find((member) => member.key === key)?.value ?? '0';
  return /^\d+$/.test(text) ? BigInt(text) : 0n;
}

/** Numbers are unsigned of 64 bits there. The last one is given out more than once: it may be. */
const SEQ_MAX = 2n ** 64n - 1n;

function atMost(seq: bigint): bigint {
  return seq > SEQ_MAX ? SEQ_MAX : seq;
}

function maxOf(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
