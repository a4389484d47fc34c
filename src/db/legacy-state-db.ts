import { Connection, type Value } from './connection.ts';

/** The tables of the old program's state.db at user_version 4, and its columns in their order. */
export const LEGACY_STATE_TABLES = {
  threads: [
    'id text primary key',
    'rollout_path text',
    'preview text not null',
    'ephemeral integer not null',
    'model_provider text not null',
    'created_at integer not null',
    'updated_at integer not null',
    'status text not null',
    'path text',
    'cwd text not null',
    'cli_version text not null',
    'source text not null',
    'title text',
    'sandbox_policy text',
    'approval_mode text',
    'archived integer not null default 0',
    'archived_at integer',
    'git_sha text',
    'git_branch text',
    'git_origin_url text',
    'memory_mode text',
    'current_leaf_id integer',
  ],
  thread_dynamic_tools: [
    'thread_id text not null',
    'position integer not null',
    'name text not null',
    'description text',
    'input_schema text not null',
  ],
  messages: [
    'id integer primary key autoincrement',
    'thread_id text not null',
    'role text not null',
    'content text not null',
    'item_json text',
    'created_at integer not null',
    'parent_entry_id integer',
  ],
  checkpoints: [
    'thread_id text not null',
    'checkpoint_id text not null',
    'state_json text not null',
    'created_at integer not null',
  ],
  jobs: [
    'id text primary key',
    'name text not null',
    'status text not null',
    'progress integer',
    'detail text',
    'created_at integer not null',
    'updated_at integer not null',
  ],
  workflow_runs: [
    'id text primary key',
    'workflow_id text not null',
    'goal text not null',
    'status text not null',
    'input_hash text',
    'started_at integer not null',
    'completed_at integer',
    "metadata_json text not null default '{}'",
  ],
  branch_runs: [
    'id text primary key',
    'workflow_run_id text not null',
    'branch_id text not null',
    'node_id text not null',
    'status text not null',
    'started_at integer not null',
    'completed_at integer',
    "result_json text not null default '{}'",
  ],
  leaf_runs: [
    'id text primary key',
    'workflow_run_id text not null',
    'branch_run_id text',
    'leaf_id text not null',
    'task_id text not null',
    'input_hash text',
    'status text not null',
    "output_json text not null default '{}'",
    "artifacts_json text not null default '[]'",
    'started_at integer not null',
    'completed_at integer',
  ],
  control_node_runs: [
    'id text primary key',
    'workflow_run_id text not null',
    'node_id text not null',
    'kind text not null',
    'status text not null',
    "selected_children_json text not null default '[]'",
    "result_json text not null default '{}'",
    'started_at integer not null',
    'completed_at integer',
  ],
  teacher_candidates: [
    'id text primary key',
    'workflow_run_id text not null',
    'control_node_run_id text not null',
    'candidate_id text not null',
    'branch_run_id text',
    'score real',
    'passed integer',
    "rationale_json text not null default '{}'",
    'created_at integer not null',
  ],
  thread_goals: [
    'thread_id text primary key not null',
    'goal_id text not null',
    'objective text not null',
    "status text not null check (status in ('active', 'paused', 'blocked', 'usage_limited', 'budget_limited', 'complete'))",
    'token_budget integer',
    'tokens_used integer not null default 0',
    'time_used_seconds integer not null default 0',
    'created_at integer not null',
    'updated_at integer not null',
    'continuation_count integer not null default 0',
  ],
} as const satisfies Record<string, readonly string[]>;

export type LegacyStateTable = keyof typeof LEGACY_STATE_TABLES;

const references = (column: string, table: string, action = 'cascade') =>
  `foreign key (${column}) references ${table} (id) on delete ${action}`;
const ofRun = references('workflow_run_id', 'workflow_runs');
const ofBranch = references('branch_run_id', 'branch_runs', 'set null');

const CONSTRAINTS: Partial<Record<LegacyStateTable, readonly string[]>> = {
  thread_dynamic_tools: ['primary key (thread_id, position)', references('thread_id', 'threads')],
  messages: [references('thread_id', 'threads')],
  checkpoints: ['primary key (thread_id, checkpoint_id)', references('thread_id', 'threads')],
  branch_runs: [ofRun],
  leaf_runs: [ofRun, ofBranch],
  control_node_runs: [ofRun],
  teacher_candidates: [ofRun, references('control_node_run_id', 'control_node_runs'), ofBranch],
  thread_goals: [references('thread_id', 'threads')],
};

const INDEXES: Partial<Record<LegacyStateTable, Readonly<Record<string, string>>>> = {
  threads: {
    updated_at: 'updated_at desc',
    archived_at: 'archived_at desc',
    archived_updated: 'archived, updated_at desc',
  },
  messages: {
    thread_created_at: 'thread_id, created_at',
    parent_entry_id: 'parent_entry_id',
  },
  checkpoints: { thread_created_at: 'thread_id, created_at desc' },
  jobs: { updated_at: 'updated_at desc' },
  workflow_runs: {
    status_started_at: 'status, started_at desc',
    workflow_started_at: 'workflow_id, started_at desc',
  },
  branch_runs: { workflow_run_id: 'workflow_run_id', branch_id: 'branch_id' },
  leaf_runs: {
    workflow_run_id: 'workflow_run_id',
    replay_lookup: 'workflow_run_id, leaf_id, input_hash',
  },
  control_node_runs: { workflow_run_id: 'workflow_run_id', node_id: 'node_id' },
  teacher_candidates: {
    workflow_run_id: 'workflow_run_id',
    control_node_run_id: 'control_node_run_id',
  },
};

const USER_VERSION = 4;
/** SQLite takes 2,000. */
const COLUMNS_MAX = 1000;

/** The names of a table's columns. */
export function legacyColumns(table: LegacyStateTable): string[] {
  return LEGACY_STATE_TABLES[table].map((column) => column.split(' ', 1)[0] as string);
}

export function isLegacyStateTable(name: string): name is LegacyStateTable {
  return Object.hasOwn(LEGACY_STATE_TABLES, name);
}

/**
 * A state.db as the old program makes it, written in one transaction. Foreign keys are off: the old
 * program left rows without parents behind, and they are kept.
 */
export class LegacyStateDb {
  readonly #connection: Connection;
  readonly #statements = new Map<LegacyStateTable, string>();
  readonly #columns = new Map<LegacyStateTable, string[]>();

  /** @param path - an empty file */
  constructor(path: string) {
    this.#connection = new Connection(path, { busyWaitMs: 1000, readOnly: false });
    // One file and no log beside it, so that a copy of the file is a copy of the whole.
    this.#connection.exec(
      'pragma journal_mode = delete; pragma foreign_keys = off; pragma synchronous = off; begin',
    );
    this.#connection.exec(schema());
  }

  /**
   * Columns that `values` lacks are null, or their default.
   *
   * @param later - columns that the table gets where it lacks them: those of a later version
   * @returns whether every value has a column
   */
  insert(
    table: LegacyStateTable,
    values: ReadonlyMap<string, Value>,
    later: Iterable<string> = [],
  ): boolean {
    this.#addColumns(table, later);
    const names = this.#columnsOf(table);
    const complete = names.every((name) => values.has(name));
    const used = complete ? names : names.filter((name) => values.has(name));
    const sql =
      (complete ? this.#statements.get(table) : undefined) ??
      `insert into ${table} (${used.map(quoted).join(', ')}) values (${used.map(() => '?').join(', ')})`;
    if (complete) this.#statements.set(table, sql);
    this.#connection.run(
      sql,
      used.map((name) => values.get(name) ?? null),
    );
    return used.length === values.size;
  }

  /** Without a type, so that values stay what they are. */
  #addColumns(table: LegacyStateTable, names: Iterable<string>): void {
    const known = this.#columnsOf(table);
    for (const name of names) {
      // SQLite takes names that differ in the case of letters only for one.
      const isKnown = known.some((one) => one.toLowerCase() === name.toLowerCase());
      if (isKnown || known.length >= COLUMNS_MAX || !isColumnName(name)) continue;
      this.#connection.exec(`alter table ${table} add column ${quoted(name)}`);
      known.push(name);
      this.#statements.delete(table);
    }
  }

  #columnsOf(table: LegacyStateTable): string[] {
    let columns = this.#columns.get(table);
    if (!columns) this.#columns.set(table, (columns = legacyColumns(table)));
    return columns;
  }

  has(table: LegacyStateTable, column: string, value: Value): boolean {
    const sql = `select exists (select 1 from ${table} where ${column} = ?)`;
    return Number(this.#connection.row(sql, [value])?.[0]) === 1;
  }

  /** Commits; the file is complete. */
  finish(): void {
    this.#connection.exec(
      `pragma user_version = ${USER_VERSION}; commit; pragma synchronous = full`,
    );
  }

  close(): void {
    this.#connection.close();
  }
}

function isColumnName(name: string): boolean {
  return name !== '' && !name.includes('\0') && name.isWellFormed();
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function schema(): string {
  const tables = Object.keys(LEGACY_STATE_TABLES) as LegacyStateTable[];
  return tables
    .map((table) => {
      const parts = [...LEGACY_STATE_TABLES[table], ...(CONSTRAINTS[table] ?? [])];
      const indexes = Object.entries(INDEXES[table] ?? {}).map(
        ([name, columns]) => `create index idx_${table}_${name} on ${table} (${columns});`,
      );
      return `create table ${table} (${parts.join(', ')});\n${indexes.join('\n')}`;
    })
    .join('\n');
}
