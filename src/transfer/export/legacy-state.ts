import type { Value } from '../../db/connection.ts';
import {
  LegacyStateDb,
  isLegacyStateTable,
  type LegacyStateTable,
} from '../../db/legacy-state-db.ts';
import type { Reader } from '../../db/reader.ts';
import { arrayElements, objectMembers, parseJson, patchObject } from '../../model/json-text.ts';
import {
  bodyOf,
  countDeleted,
  eachRow,
  live,
  type ExportContext,
  type RowQuery,
} from './export-context.ts';
import { eachGoal, goalRecord } from './legacy-goals.ts';
import {
  jobRecord,
  stateThreadRecord,
  type JobRow,
  type StateThreadRow,
} from './legacy-state-rows.ts';
import { RecordPatch } from './record-patch.ts';
import { wellFormedJson } from './record-text.ts';

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
  /** Messages of the library are numbered after all of the old program. */
  #nextMessage = 1n;

  constructor(context: ExportContext) {
    this.#context = context;
  }

  async run(): Promise<void> {
    const context = this.#context;
    this.#nextMessage = 1n + (await context.read(highestMessage));
    const threads: RowQuery<StateThreadRow & { tools: string }> = {
      kind: 'state.threads',
      columns: [
        'id',
        'title',
        'preview',
        'model_provider',
        'cwd',
        'source',
        'status',
        'archived',
        'archived_at',
        'created_at',
        'updated_at',
        'tools',
      ],
      from: `from threads t where ${live('t')}`,
      key: 'id',
    };
    await eachRow(context, threads, (reader, row) => {
      this.#writeThread(reader, row);
    });
    await eachGoal(context, 'state.thread_goals', 'thread', (reader, row) => {
      this.#insert(
        'thread_goals',
        goalRecord(row, bodyOf(reader, 'goals', row.id), (id) => id),
      );
    });
    const jobs: RowQuery<JobRow> = {
      kind: 'state.jobs',
      columns: ['id', 'name', 'status', 'progress', 'created_at', 'updated_at'],
      from: 'from jobs where deleted_at is null',
      key: 'id',
    };
    await eachRow(context, jobs, (reader, row) => {
      this.#insert('jobs', jobRecord(row, bodyOf(reader, 'jobs', row.id)));
    });
    await this.#writeKept();
    this.#db?.finish();
    if (this.#db && this.#modifiedAt > 0) {
      context.target.setModified('state.db', this.#modifiedAt);
    }
  }

  close(): void {
    this.#db?.close();
  }

  #writeThread(reader: Reader, row: StateThreadRow & { tools: string }): void {
    const messages = reader.list<MessageRow>(
      ['id', 'parent_id', 'role', 'created_at'],
      'from thread_messages where thread_id = ? order by number',
      [row.id],
    );
    const numbers = new Map(messages.map((message) => [message.id, this.#number(message.id)]));
    const leaf = reader.first<{ leaf_id: string }>(
      ['leaf_id'],
      'from thread_leaves where thread_id = ?',
      [row.id],
    );
    const leafNumber = leaf ? (numbers.get(leaf.leaf_id) ?? legacyNumber(leaf.leaf_id)) : null;
    this.#insert(
      'threads',
      stateThreadRecord(row, bodyOf(reader, 'threads', row.id), leafNumber ?? null),
    );
    this.#writeTools(row);
    for (const message of messages) {
      const parent = message.parent_id;
      this.#insert(
        'messages',
        messageRecord(row.id, message, bodyOf(reader, 'thread_messages', message.id), {
          own: numbers.get(message.id) ?? 0n,
          parent: parent === null ? null : (numbers.get(parent) ?? legacyNumber(parent) ?? null),
        }),
      );
    }
    this.#writeCheckpoints(reader, row.id);
  }

  /** The number that the old program gave, unless a row of another home has it. */
  #number(id: string): bigint {
    const number = legacyNumber(id);
    const taken = number === undefined || (this.#db?.has('messages', 'id', number) ?? false);
    return taken ? this.#nextMessage++ : number;
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
      );
    }
  }

  #writeCheckpoints(reader: Reader, threadId: string): void {
    const rows = reader.list<{ id: string; checkpoint_id: string; created_at: number }>(
      ['id', 'checkpoint_id', 'created_at'],
      'from thread_checkpoints where thread_id = ? and deleted_at is null order by id',
      [threadId],
    );
    for (const row of rows) {
      const checkpoint = new RecordPatch(bodyOf(reader, 'thread_checkpoints', row.id))
        .text('thread_id', threadId)
        .text('checkpoint_id', row.checkpoint_id)
        .seconds('created_at', row.created_at);
      const state = checkpoint.json('state');
      if (state !== undefined)
        checkpoint.setJson('state_json', JSON.stringify(wellFormedJson(state)));
      this.#insert('checkpoints', checkpoint.fallback('state_json', '"null"').result());
    }
  }

  /** Rows without a table here, and those whose thread does not exist. */
  async #writeKept(): Promise<void> {
    const query: RowQuery<{ id: string; kind: string; modified_at: number }> = {
      kind: 'state.*',
      columns: ['id', 'kind', 'modified_at'],
      from: `from legacy_records where kind like 'state.%' and body is not 'null'`,
      key: 'id',
    };
    await eachRow(this.#context, query, (reader, row) => {
      const table = row.kind.slice('state.'.length);
      this.#modifiedAt = Math.max(this.#modifiedAt, row.modified_at);
      if (isLegacyStateTable(table))
        this.#writeKeptRow(table, bodyOf(reader, 'legacy_records', row.id));
      else this.#context.counter.skip(row.kind, 'unplaced');
    });
  }

  #writeKeptRow(table: LegacyStateTable, raw: string): void {
    const record = new RecordPatch(raw);
    if (table === 'messages') {
      const number = record.value('id');
      const taken =
        typeof number === 'number' && (this.#db?.has('messages', 'id', BigInt(number)) ?? false);
      this.#insert(table, taken ? patchObject(raw, { id: String(this.#nextMessage++) }) : raw);
      return;
    }
    const key = record.value('id') ?? record.value('thread_id');
    const column = record.has('id') ? 'id' : 'thread_id';
    const composite = table === 'checkpoints' || table === 'thread_dynamic_tools';
    // The same row of a second home.
    if (!composite && typeof key === 'string' && this.#db?.has(table, column, key)) {
      this.#context.counter.skip(`state.${table}`, 'duplicate');
    } else this.#insert(table, raw);
  }

  #insert(table: LegacyStateTable, raw: string): void {
    this.#db ??= new LegacyStateDb(this.#context.target.reserve('state.db'));
    const values = objectMembers(raw).map(({ key, value }) => [key, sqlValue(value)] as const);
    this.#db.insert(table, new Map(values));
    this.#context.counter.add(`state.${table}`);
  }
}

interface MessageRow {
  readonly id: string;
  readonly parent_id: string | null;
  readonly role: string;
  readonly created_at: number;
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
  return message.result();
}

/** The number of a message of the old program, in its id here. */
function legacyNumber(id: string): bigint | undefined {
  const digits = /^msg(\d+)~/.exec(id)?.[1];
  return digits === undefined ? undefined : BigInt(digits);
}

function highestMessage(reader: Reader): bigint {
  const stored = reader.number(
    `select max(cast(substr(id, 4) as integer)) from thread_messages where id glob 'msg[0-9]*~*'`,
  );
  const orphans = reader.list<{ id: string }>(
    ['id'],
    `from legacy_records where kind = 'state.messages' and body is not 'null'`,
  );
  let highest = stored;
  for (const { id } of orphans) {
    const number = new RecordPatch(bodyOf(reader, 'legacy_records', id)).value('id');
    if (typeof number === 'number' && number > highest) highest = number;
  }
  return BigInt(highest);
}

/** What a JSON value is in a column: integers exact, lists and objects as their text. */
function sqlValue(json: string): Value {
  if (/^-?\d{1,18}$/.test(json)) return BigInt(json);
  const value = json.startsWith('{') || json.startsWith('[') ? json : parseJson(json);
  return typeof value === 'boolean' ? BigInt(value) : (value as Value);
}
