import type { Value } from '../../db/connection.ts';
import {
  LegacyStateDb,
  isLegacyStateTable,
  legacyColumns,
  type LegacyStateTable,
} from '../../db/legacy-state-db.ts';
import type { Reader } from '../../db/reader.ts';
import { arrayElements, objectMembers, parseJson, patchObject } from '../../model/json-text.ts';
import { goals, jobs, threadCheckpoints, threads } from '../../model/registers.ts';
import { ROW_MARK, type RowMark } from '../../model/row-mark.ts';
import type { MutableTable } from '../../model/table-kinds.ts';
import { stateMessageId } from '../import/apply-state-message.ts';
import {
  bodyOf,
  countDeleted,
  eachRow,
  live,
  type ExportContext,
  type RowQuery,
} from './export-context.ts';
import { eachGoal, threadGoalRecord } from './legacy-goals.ts';
import {
  CHECKPOINT_COLUMNS,
  JOB_COLUMNS,
  jobRecord,
  STATE_THREAD_COLUMNS,
  stateCheckpointRecord,
  stateThreadRecord,
  type JobRow,
  type StateCheckpointRow,
  type StateThreadRow,
} from './legacy-state-rows.ts';
import { legacyNumber, MessageNumbers, rowNumber } from './message-numbers.ts';
import { RecordPatch } from './record-patch.ts';
import { wellFormedJson } from './record-text.ts';
import { rowDigest, saidOf } from './said.ts';

/** Writes `state.db`; none where the store holds nothing of it. */
export async function writeStateDb(context: ExportContext): Promise<void> {
  await countDeleted(context, 'state.threads', 'threads');
  await countDeleted(context, 'state.jobs', 'jobs');
  const state = new StateExport(context);
  try {
    await state.run();
  } finally {
    state.close();
  }
}

class StateExport {
  readonly #context: ExportContext;
  #db: LegacyStateDb | undefined;
  /** The latest time of a row that is known by that of the file only. */
  /** 0 where no record tells it. */
  #modifiedAt = 0;

  constructor(context: ExportContext) {
    this.#context = context;
  }

  async run(): Promise<void> {
    const context = this.#context;
    const messageNumbers = await context.read((reader) => new MessageNumbers(reader));
    const threadRows: RowQuery<StateThreadRow & { tools: string }> = {
      kind: 'state.threads',
      columns: [...STATE_THREAD_COLUMNS, 'tools'],
      from: `from threads t where ${live('t')}`,
      key: 'id',
    };
    await eachRow(context, threadRows, (reader, row) => {
      this.#writeThread(reader, row, messageNumbers);
    });
    await eachGoal(context, 'state.thread_goals', 'thread', (reader, row) => {
      const body = bodyOf(reader, 'goals', row.id);
      const record = threadGoalRecord(row, body).result();
      this.#insertSaid(reader, 'thread_goals', record, isOldRow(body), {
        table: goals,
        id: row.id,
      });
    });
    const jobRows: RowQuery<JobRow> = {
      kind: 'state.jobs',
      columns: JOB_COLUMNS,
      from: 'from jobs where deleted_at is null',
      key: 'id',
    };
    await eachRow(context, jobRows, (reader, row) => {
      const body = bodyOf(reader, 'jobs', row.id);
      const record = jobRecord(row, body).result();
      this.#insertSaid(reader, 'jobs', record, isOldRow(body), { table: jobs, id: row.id });
    });
    await this.#writeKept(messageNumbers);
    this.#db?.finish();
    if (this.#db && this.#modifiedAt > 0) {
      context.target.setModified('state.db', this.#modifiedAt);
    }
  }

  close(): void {
    this.#db?.close();
  }

  #writeThread(
    reader: Reader,
    row: StateThreadRow & { tools: string },
    messageNumbers: MessageNumbers,
  ): void {
    const messages = reader.list<MessageRow>(
      ['id', 'parent_id', 'role', 'created_at', 'device'],
      'from thread_messages where thread_id = ? order by number',
      [row.id],
    );
    const numbers = new Map(
      messages.map(({ id }) => [id, messageNumbers.of(reader, this.#db, id)] as const),
    );
    const leaf = reader.first<{ leaf_id: string }>(
      ['leaf_id'],
      'from thread_leaves where thread_id = ?',
      [row.id],
    );
    const leafNumber = leaf ? (numbers.get(leaf.leaf_id) ?? legacyNumber(leaf.leaf_id)) : null;
    const thread = bodyOf(reader, 'threads', row.id);
    const record = stateThreadRecord(row, thread, leafNumber ?? null).result();
    const isMadeAgain = (id: string, number: bigint | null | undefined) =>
      number !== null && number !== undefined && stateMessageId(row.id, String(number)) === id;
    const leafMark = leaf && !isMadeAgain(leaf.leaf_id, leafNumber) ? { leaf: leaf.leaf_id } : {};
    const said = { table: threads, id: row.id };
    this.#insertSaid(reader, 'threads', record, isOldRow(thread), said, leafMark);
    this.#writeTools(row);
    for (const message of messages) {
      const parent = message.parent_id;
      const body = bodyOf(reader, 'thread_messages', message.id);
      const own = numbers.get(message.id) ?? 0n;
      const number = parent === null ? null : (numbers.get(parent) ?? legacyNumber(parent) ?? null);
      const record = messageRecord(row.id, message, body, { own, parent: number });
      const isPlain =
        isMadeAgain(message.id, own) && (parent === null || isMadeAgain(parent, number));
      const mark = isPlain ? undefined : messageMark(message, body);
      this.#insert('messages', record, isOldRow(body), mark);
    }
    this.#writeCheckpoints(reader, row.id);
  }

  #writeTools({ id, tools }: { id: string; tools: string }): void {
    for (const [i, text] of arrayElements(tools).entries()) {
      const tool = new RecordPatch(text);
      // A tool of the library has a schema where the old program has the text of one.
      const schema = tool.json('inputSchema') ?? 'null';
      const inputSchema =
        tool.value('legacy') === true ? schema : JSON.stringify(wellFormedJson(schema));
      this.#insert(
        'thread_dynamic_tools',
        `{"thread_id":${JSON.stringify(id)},"position":${tool.json('position') ?? i},` +
          `"name":${tool.json('name') ?? '""'},"description":${tool.json('description') ?? 'null'},` +
          `"input_schema":${inputSchema}}`,
        false,
      );
    }
  }

  #writeCheckpoints(reader: Reader, threadId: string): void {
    const rows = reader.list<StateCheckpointRow>(
      CHECKPOINT_COLUMNS,
      'from thread_checkpoints where thread_id = ? and deleted_at is null order by id',
      [threadId],
    );
    for (const row of rows) {
      const body = bodyOf(reader, 'thread_checkpoints', row.id);
      const record = stateCheckpointRecord(row, body).result();
      const said = { table: threadCheckpoints, id: row.id };
      this.#insertSaid(reader, 'checkpoints', record, isOldRow(body), said);
    }
  }

  /** Rows without a table here, and those whose thread does not exist. */
  async #writeKept(messageNumbers: MessageNumbers): Promise<void> {
    const query: RowQuery<{ id: string; kind: string; modified_at: number }> = {
      kind: 'state.*',
      columns: ['id', 'kind', 'modified_at'],
      from: `from legacy_records where kind like 'state.%' and body is not 'null'`,
      key: 'id',
    };
    await eachRow(this.#context, query, (reader, row) => {
      const table = row.kind.slice('state.'.length);
      this.#modifiedAt = Math.max(this.#modifiedAt, row.modified_at);
      const raw = bodyOf(reader, 'legacy_records', row.id);
      if (table === 'messages') this.#writeOrphan(reader, raw, messageNumbers);
      else if (isLegacyStateTable(table)) this.#writeKeptRow(table, raw);
      else this.#context.counter.skip(row.kind, 'unplaced');
    });
  }

  #writeOrphan(reader: Reader, raw: string, messageNumbers: MessageNumbers): void {
    const isTaken = this.#db?.has('messages', 'id', rowNumber(raw)) ?? false;
    const id = () => String(messageNumbers.free(reader, this.#db));
    this.#insert('messages', isTaken ? patchObject(raw, { id: id() }) : raw, true);
  }

  #writeKeptRow(table: LegacyStateTable, raw: string): void {
    const record = new RecordPatch(raw);
    const key = record.value('id') ?? record.value('thread_id');
    const column = record.has('id') ? 'id' : 'thread_id';
    const composite = table === 'checkpoints' || table === 'thread_dynamic_tools';
    // The same row of a second home.
    if (!composite && typeof key === 'string' && this.#db?.has(table, column, key)) {
      this.#context.counter.skip(`state.${table}`, 'duplicate');
    } else this.#insert(table, raw, true);
  }

  /** The record of a row of ours. @param more - what its mark says besides whose words it repeats */
  #insertSaid(
    reader: Reader,
    name: LegacyStateTable,
    raw: string,
    isRow: boolean,
    { table, id }: { table: MutableTable; id: string },
    more: RowMark = {},
  ): void {
    const columns = new Set<string>(legacyColumns(name));
    const members = objectMembers(raw)
      .filter(({ key }) => isRow || columns.has(key))
      .map(({ key, value }) => [key, columnJson(value)] as const);
    const mark = { ...saidOf(reader, table, id, rowDigest(members)), ...more };
    this.#insert(name, raw, isRow, Object.keys(mark).length > 0 ? mark : undefined);
  }

  /** @param isRow - the record was a row of the old program: all its columns go back */
  #insert(table: LegacyStateTable, raw: string, isRow: boolean, mark?: RowMark): void {
    this.#db ??= new LegacyStateDb(this.#context.target.reserve('state.db'));
    const values = objectMembers(raw).map(({ key, value }) => [key, sqlValue(value)] as const);
    const row = new Map<string, Value>(values);
    if (mark) row.set(ROW_MARK, JSON.stringify(mark));
    const isWhole = this.#db.insert(table, row, isRow ? row.keys() : mark ? [ROW_MARK] : []);
    if (!isWhole) this.#context.counter.skip(`state.${table}.details`, 'no_place');
    this.#context.counter.add(`state.${table}`);
  }
}

interface MessageRow {
  readonly id: string;
  readonly parent_id: string | null;
  readonly role: string;
  readonly created_at: number;
  readonly device: string;
}

/** Its number makes another id, or it goes on from a message whose number does. */
function messageMark(row: MessageRow, body: string): RowMark {
  const { id, device, created_at: at, parent_id: parent } = row;
  const mark = { id, device, at, parent };
  if (!isOldRow(body)) return mark;
  const old = new RecordPatch(body);
  const names = ['id', 'parent_entry_id'].filter((name) => old.has(name));
  return { ...mark, was: Object.fromEntries(names.map((name) => [name, old.json(name) ?? null])) };
}

function messageRecord(
  threadId: string,
  row: MessageRow,
  body: string,
  numbers: { readonly own: bigint; readonly parent: bigint | null },
): string {
  const message = new RecordPatch(body)
    .integer('id', numbers.own)
    .text('thread_id', threadId)
    .text('role', row.role)
    .fallback('content', '""')
    .seconds('created_at', row.created_at)
    .integer('parent_entry_id', numbers.parent);
  const item = message.json('item');
  if (item !== undefined && item !== 'null')
    message.setJson('item_json', JSON.stringify(wellFormedJson(item)));
  return (isOldRow(body) ? message : message.setJson('item', undefined)).result();
}

/** Rows of the old program begin with their key; what the library made has no such member. */
function isOldRow(body: string): boolean {
  return /^\{"(thread_)?id":/.test(body);
}

/** A JSON value as the JSON of the column that it is in. */
function columnJson(json: string): string {
  const value = sqlValue(json);
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

/** What a JSON value is in a column: integers exact, lists and objects as their text. */
function sqlValue(json: string): Value {
  if (/^-?\d{1,19}$/.test(json) && BigInt.asIntN(64, BigInt(json)) === BigInt(json)) {
    return BigInt(json);
  }
  const value = json.startsWith('{') || json.startsWith('[') ? json : parseJson(json);
  return typeof value === 'boolean' ? BigInt(value) : (value as Value);
}
