/** Every kind of record that a legacy home holds; the words that an import counts by. */
export const legacyKinds = [
  'state.threads',
  'state.messages',
  'state.checkpoints',
  'state.thread_dynamic_tools',
  'state.thread_goals',
  'state.jobs',
  'state.workflow_runs',
  'state.branch_runs',
  'state.leaf_runs',
  'state.control_node_runs',
  'state.teacher_candidates',
  'session_index',
  'sessions',
  'session_boot_owners',
  'session_goals',
  'approval_receipts',
  'work_graph_archive',
  'checkpoints',
  'offline_queue',
  'threads',
  'turns',
  'items',
  'events',
  'runtime_goals',
  'agent_mail',
  'runtime_state',
  'runtime_owner',
  'tasks',
  'task_queue',
  'automations',
  'automation_runs',
  'triggers',
  'audit',
] as const;

export type LegacyKind = (typeof legacyKinds)[number];

/** Why a record is refused. */
export type RejectReason =
  // the file
  | 'invalid_name'
  | 'symlink'
  | 'unreadable'
  | 'changing'
  | 'too_large'
  | 'empty_file'
  | 'damaged_db'
  // the text
  | 'invalid_utf8'
  | 'malformed_json'
  | 'truncated_json'
  | 'torn_tail'
  | 'uncommitted_tail'
  | 'duplicate_key'
  | 'lone_surrogate'
  | 'too_deep'
  // the record
  | 'wrong_shape'
  | 'missing_field'
  | 'unknown_fields'
  | 'unknown_variant'
  | 'invalid_value'
  | 'newer_schema'
  | 'unsafe_id'
  | 'duplicate_id'
  | 'not_stored'
  | 'invalid_item_json'
  | 'invalid_state_json'
  | 'invalid_json_column';

/** Why a record is kept apart: the record that it belongs to exists nowhere. */
export type OrphanReason =
  | 'message_without_thread'
  | 'checkpoint_without_thread'
  | 'tool_without_thread'
  | 'goal_without_thread'
  | 'receipt_without_session'
  | 'turn_without_thread'
  | 'item_without_turn'
  | 'item_of_orphan_turn'
  | 'events_without_thread'
  | 'run_without_automation';

/** Why a file or a line is no record. */
export type IgnoreReason =
  | 'temp_file'
  | 'foreign_file'
  | 'later_format'
  | 'directory'
  | 'blank_line'
  | 'empty_log'
  | 'staged_task'
  | 'artifact_dir_without_session'
  | 'artifact_dir_without_task';

/** What is odd about a record that is taken all the same. */
export type AnomalyReason =
  | 'id_filename_mismatch'
  | 'thread_id_filename_mismatch'
  | 'missing_schema_version'
  | 'schema_v1'
  | 'unknown_enum'
  | 'uncommitted_tail';
