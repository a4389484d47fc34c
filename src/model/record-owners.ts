/** Tables of the records that others belong to; a turn leads on to its thread. */
export type OwnerTable =
  'sessions' | 'threads' | 'runtime_threads' | 'runtime_turns' | 'tasks' | 'automations';

/** Whose the records of a kind are. */
export interface RecordOwner {
  readonly table: OwnerTable;
  /** The members that name the owner, as paths; none where the record is found by it, see {@link NamedRecord}. */
  readonly members: readonly (readonly string[])[];
}

/** A record of an old home. */
export interface NamedRecord {
  /** Whose file it lies in, else its own id. */
  readonly ownerId: string | null;
  readonly value: unknown;
}

const foundBy = (table: OwnerTable): RecordOwner => ({ table, members: [] });
const named = (table: OwnerTable, ...members: readonly string[][]): RecordOwner => ({
  table,
  members,
});
/** Nobody's: no purge of anything takes it along. */
const NOBODY = undefined;

/**
 * Of every kind of record that an old home holds, whose purge takes it along and keeps it out. Import,
 * sync and purge read this one declaration, and each new kind has to say it.
 */
export const RECORD_OWNERS = {
  'state.threads': named('threads', ['id']),
  'state.messages': named('threads', ['thread_id']),
  'state.checkpoints': named('threads', ['thread_id']),
  'state.thread_dynamic_tools': named('threads', ['thread_id']),
  'state.thread_goals': named('threads', ['thread_id']),
  'state.jobs': NOBODY,
  'state.workflow_runs': NOBODY,
  'state.branch_runs': NOBODY,
  'state.leaf_runs': NOBODY,
  'state.control_node_runs': NOBODY,
  'state.teacher_candidates': NOBODY,
  // It repeats the title of its thread.
  session_index: named('threads', ['thread_id']),
  sessions: named('sessions', ['metadata', 'id']),
  // Of the whole home; it holds ids only, as the next three.
  session_boot_owners: NOBODY,
  runtime_state: NOBODY,
  runtime_owner: NOBODY,
  task_queue: NOBODY,
  session_goals: foundBy('sessions'),
  approval_receipts: foundBy('sessions'),
  work_graph_archive: foundBy('sessions'),
  checkpoints: named('sessions', ['metadata', 'id']),
  offline_queue: named('sessions', ['session_id']),
  threads: foundBy('runtime_threads'),
  turns: named('runtime_threads', ['thread_id']),
  items: named('runtime_turns', ['turn_id']),
  events: foundBy('runtime_threads'),
  runtime_goals: named('runtime_threads', ['thread_id']),
  // What one thread said to another: it goes with either.
  agent_mail: named('runtime_threads', ['source', 'thread_id'], ['destination', 'thread_id']),
  tasks: foundBy('tasks'),
  automations: named('automations', ['id']),
  automation_runs: named('automations', ['automation_id']),
  triggers: named('sessions', ['owner_session_id']),
  // A log of what was done on this machine, of which nothing is ever taken away.
  audit: NOBODY,
} as const satisfies Readonly<Record<string, RecordOwner | undefined>>;

export function recordOwner(kind: string): RecordOwner | undefined {
  return (RECORD_OWNERS as Readonly<Record<string, RecordOwner | undefined>>)[kind];
}

/** What a record calls its owners. */
export function ownerNames(owner: RecordOwner, { ownerId, value }: NamedRecord): string[] {
  const names =
    owner.members.length === 0 ? [ownerId] : owner.members.map((path) => memberAt(value, path));
  return names
    .filter((name) => typeof name === 'string')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function memberAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[key] : undefined,
    value,
  );
}
