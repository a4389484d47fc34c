/**
 * Which tables exist, what may change in them, and what changes together.
 *
 * Schema, capture, merge and documentation read this one declaration; a test compares it with
 * the migrations. A **register** is a group of columns that wins or loses together when two
 * devices changed the same row; each has a column `<register>_version`.
 */

import type { ImmutableTable, MutableTable, Table } from './table-kinds.ts';

const local = (name: string) => ({ kind: 'local', name }) as const;

const body = ['body', 'body_hash'] as const;

export const sessions = {
  kind: 'mutable',
  name: 'sessions',
  keepsEdits: true,
  registers: {
    title: ['title'],
    archive: ['archived_at'],
    deleted: ['deleted_at'],
    purge: ['purged_at'],
    details: ['workspace', 'model', 'created_at', 'parent_id', ...body],
  },
  work: ['details'],
} as const satisfies MutableTable;

export const threads = {
  kind: 'mutable',
  name: 'threads',
  keepsEdits: true,
  registers: {
    title: ['title'],
    archive: ['status', 'archived', 'archived_at'],
    deleted: ['deleted_at'],
    purge: ['purged_at'],
    tools: ['tools'],
    details: ['preview', 'model_provider', 'cwd', 'source', 'created_at', ...body],
  },
  // The status.
  routine: ['archive'],
  // The old program counts another name, too.
  work: ['title', 'tools', 'details'],
} as const satisfies MutableTable;

export const threadCheckpoints = {
  kind: 'mutable',
  name: 'thread_checkpoints',
  registers: { state: ['thread_id', 'checkpoint_id', 'created_at', 'deleted_at', ...body] },
} as const satisfies MutableTable;

export const jobs = {
  kind: 'mutable',
  name: 'jobs',
  keepsEdits: true,
  registers: {
    state: ['name', 'status', 'progress', 'created_at', ...body],
    deleted: ['deleted_at'],
  },
  work: ['state'],
} as const satisfies MutableTable;

export const goals = {
  kind: 'mutable',
  name: 'goals',
  keepsEdits: true,
  registers: { state: ['scope', 'owner_id', 'status', 'objective', 'deleted_at', ...body] },
  // What has been used.
  routine: ['state'],
  work: ['state'],
} as const satisfies MutableTable;

export const runtimeThreads = {
  kind: 'mutable',
  name: 'runtime_threads',
  keepsEdits: true,
  registers: {
    title: ['title'],
    archive: ['archived'],
    deleted: ['deleted_at'],
    purge: ['purged_at'],
    details: [
      'legacy_id',
      'workspace',
      'model',
      'mode',
      'session_id',
      'task_id',
      'latest_turn_id',
      'created_at',
      ...body,
    ],
  },
  // The latest turn.
  routine: ['details'],
  work: ['details'],
} as const satisfies MutableTable;

const TURN_ENDED = ['completed', 'failed', 'interrupted', 'canceled'] as const;

export const runtimeTurns = {
  kind: 'mutable',
  name: 'runtime_turns',
  registers: {
    lifecycle: ['status', 'attempt', 'started_at', 'ended_at', 'error', 'owner'],
    details: ['legacy_id', 'thread_id', 'position', 'input_summary', 'created_at', ...body],
  },
  lifecycle: { register: 'lifecycle', terminal: TURN_ENDED },
} as const satisfies MutableTable;

/** Mutable while an item streams; once its status is terminal it is final and never changes. */
export const runtimeItems = {
  kind: 'mutable',
  name: 'runtime_items',
  registers: {
    content: [
      'legacy_id',
      'turn_id',
      'position',
      'kind',
      'status',
      'attempt',
      'summary',
      'started_at',
      'ended_at',
      ...body,
    ],
  },
  lifecycle: { register: 'content', terminal: TURN_ENDED },
} as const satisfies MutableTable;

export const tasks = {
  kind: 'mutable',
  name: 'tasks',
  keepsEdits: true,
  registers: {
    prompt: ['prompt'],
    lifecycle: ['status', 'attempt', 'started_at', 'ended_at', 'error', 'owner', 'queued_at'],
    archive: ['archived_at'],
    deleted: ['deleted_at'],
    purge: ['purged_at'],
    details: ['workspace', 'model', 'thread_id', 'session_id', 'created_at', ...body],
  },
  lifecycle: { register: 'lifecycle', terminal: ['completed', 'failed', 'canceled'] },
  // A copy of the request to cancel.
  routine: ['details'],
} as const satisfies MutableTable;

export const automations = {
  kind: 'mutable',
  name: 'automations',
  keepsEdits: true,
  registers: {
    name: ['name'],
    schedule: ['rule', 'status', 'next_run_at', 'catch_up', 'owner'],
    last_run: ['last_run_at'],
    deleted: ['deleted_at'],
    purge: ['purged_at'],
    details: ['prompt', 'created_at', ...body],
  },
  // That a slot ran, and when the next one is.
  routine: ['schedule'],
  work: ['name', 'schedule', 'details'],
} as const satisfies MutableTable;

export const automationRuns = {
  kind: 'mutable',
  name: 'automation_runs',
  registers: {
    lifecycle: ['status', 'attempt', 'started_at', 'ended_at', 'error', 'task_id'],
    details: ['automation_id', 'slot', 'created_at', 'deleted_at', ...body],
  },
  lifecycle: { register: 'lifecycle', terminal: ['completed', 'failed', 'canceled'] },
} as const satisfies MutableTable;

export const triggers = {
  kind: 'mutable',
  name: 'triggers',
  registers: {
    lifecycle: ['status', 'attempt', 'fired_at', 'error', 'task_id', 'thread_id'],
    details: ['fire_at', 'message', 'workspace', 'owner_session_id', 'created_at', ...body],
  },
  lifecycle: { register: 'lifecycle', terminal: ['fired', 'canceled', 'failed'] },
} as const satisfies MutableTable;

/** Records of a home that have no table of their own, or no parent: kept word for word. */
export const legacyRecords = {
  kind: 'mutable',
  name: 'legacy_records',
  registers: { content: ['kind', 'path', 'position', 'owner_id', 'state', 'modified_at', ...body] },
} as const satisfies MutableTable;

/** Files that belong to a session or a task; emptied when the owner is purged. */
export const artifacts = {
  kind: 'mutable',
  name: 'artifacts',
  registers: {
    content: ['owner_kind', 'owner_id', 'path', 'size', 'modified_at', 'deleted_at', 'body_hash'],
  },
} as const satisfies MutableTable;

/** Where a working tree lies on a device: what lets a session open in another machine's folder. */
export const workspaces = {
  kind: 'mutable',
  name: 'workspaces',
  registers: { place: ['path', 'remote', 'relative_path'] },
} as const satisfies MutableTable;

export const sessionMessages = {
  kind: 'immutable',
  name: 'session_messages',
  columns: ['session_id', 'parent_id', 'role', 'created_at', ...body],
} as const satisfies ImmutableTable;

export const threadMessages = {
  kind: 'immutable',
  name: 'thread_messages',
  columns: ['thread_id', 'parent_id', 'role', 'created_at', ...body],
} as const satisfies ImmutableTable;

export const runtimeEvents = {
  kind: 'immutable',
  name: 'runtime_events',
  columns: [
    'thread_id',
    'type',
    'turn_id',
    'item_id',
    'created_at',
    'legacy_seq',
    'legacy',
    ...body,
  ],
} as const satisfies ImmutableTable;

export const auditLog = {
  kind: 'immutable',
  name: 'audit_log',
  columns: ['event', 'created_at', 'legacy', ...body],
} as const satisfies ImmutableTable;

/** Every table that holds a user's data or this device's own state. */
export const TABLES: readonly Table[] = [
  sessions,
  sessionMessages,
  threads,
  threadMessages,
  threadCheckpoints,
  jobs,
  goals,
  runtimeThreads,
  runtimeTurns,
  runtimeItems,
  runtimeEvents,
  tasks,
  automations,
  automationRuns,
  triggers,
  auditLog,
  legacyRecords,
  artifacts,
  workspaces,
  // Large bodies travel with the rows that refer to them.
  local('blobs'),
  local('blob_chunks'),
  local('session_leaves'),
  local('session_checkpoints'),
  local('offline_queue'),
  local('thread_leaves'),
  local('task_leases'),
  local('search_docs'),
  local('import_homes'),
  local('import_sources'),
  local('imported_bodies'),
  local('device'),
  local('sync_state'),
  local('sync_status'),
  local('sync_scans'),
  local('outbox'),
  local('parked'),
  local('conflicts'),
  local('clashes'),
  local('unknown_columns'),
  local('ancestors'),
  local('stale_roots'),
];

export const MUTABLE_TABLES: readonly MutableTable[] = TABLES.filter(
  (table) => table.kind === 'mutable',
);
export const IMMUTABLE_TABLES: readonly ImmutableTable[] = TABLES.filter(
  (table) => table.kind === 'immutable',
);
