import type { LegacyKind, OrphanReason, RejectReason } from '../kinds.ts';

/** What a column must hold: `!` after a type means that it is not null; `time` is unix seconds. */
export type ColumnType = 'text' | 'text!' | 'int' | 'int!' | 'time' | 'time!' | 'real';

/** A table of state.db as of user_version 4; older ones lack tables and columns. */
export interface StateTable {
  kind: LegacyKind;
  name: string;
  columns: Record<string, ColumnType>;
  /** The columns that make up the id of a row. */
  key: [string] | [string, string];
  /** Columns that hold JSON, and the reason when they do not. */
  json?: Record<string, RejectReason>;
  /** Columns whose unknown values are read as a default. */
  enums?: Record<string, readonly string[]>;
  /** The reason when `thread_id` names no thread. */
  orphan?: OrphanReason;
}

const run: Record<string, ColumnType> = {
  status: 'text!',
  started_at: 'int!',
  completed_at: 'int',
};

/** In dependency order. */
export const stateTables: readonly StateTable[] = [
  {
    kind: 'state.threads',
    name: 'threads',
    key: ['id'],
    columns: {
      id: 'text!',
      rollout_path: 'text',
      preview: 'text!',
      ephemeral: 'int!',
      model_provider: 'text!',
      created_at: 'time!',
      updated_at: 'time!',
      status: 'text!',
      path: 'text',
      cwd: 'text!',
      cli_version: 'text!',
      source: 'text!',
      title: 'text',
      sandbox_policy: 'text',
      approval_mode: 'text',
      archived: 'int!',
      archived_at: 'time',
      git_sha: 'text',
      git_branch: 'text',
      git_origin_url: 'text',
      memory_mode: 'text',
      current_leaf_id: 'int',
    },
    enums: {
      status: ['running', 'idle', 'completed', 'failed', 'paused', 'archived'],
      source: ['interactive', 'resume', 'fork', 'api', 'unknown'],
    },
  },
  {
    kind: 'state.messages',
    name: 'messages',
    key: ['id'],
    columns: {
      id: 'int!',
      thread_id: 'text!',
      role: 'text!',
      content: 'text!',
      item_json: 'text',
      created_at: 'time!',
      parent_entry_id: 'int',
    },
    json: { item_json: 'invalid_item_json' },
    orphan: 'message_without_thread',
  },
  {
    kind: 'state.checkpoints',
    name: 'checkpoints',
    key: ['thread_id', 'checkpoint_id'],
    columns: {
      thread_id: 'text!',
      checkpoint_id: 'text!',
      state_json: 'text!',
      created_at: 'time!',
    },
    json: { state_json: 'invalid_state_json' },
    orphan: 'checkpoint_without_thread',
  },
  {
    kind: 'state.thread_dynamic_tools',
    name: 'thread_dynamic_tools',
    key: ['thread_id', 'position'],
    columns: {
      thread_id: 'text!',
      position: 'int!',
      name: 'text!',
      description: 'text',
      input_schema: 'text!',
    },
    json: { input_schema: 'invalid_json_column' },
    orphan: 'tool_without_thread',
  },
  {
    kind: 'state.thread_goals',
    name: 'thread_goals',
    key: ['thread_id'],
    columns: {
      thread_id: 'text!',
      goal_id: 'text!',
      objective: 'text!',
      status: 'text!',
      token_budget: 'int',
      tokens_used: 'int!',
      time_used_seconds: 'int!',
      created_at: 'time!',
      updated_at: 'time!',
      continuation_count: 'int!',
    },
    enums: {
      status: ['active', 'paused', 'blocked', 'usage_limited', 'budget_limited', 'complete'],
    },
    orphan: 'goal_without_thread',
  },
  {
    kind: 'state.jobs',
    name: 'jobs',
    key: ['id'],
    columns: {
      id: 'text!',
      name: 'text!',
      status: 'text!',
      progress: 'int',
      // JSON, or plain text from older writers.
      detail: 'text',
      created_at: 'time!',
      updated_at: 'time!',
    },
    enums: { status: ['queued', 'running', 'paused', 'completed', 'failed', 'cancelled'] },
  },
  {
    kind: 'state.workflow_runs',
    name: 'workflow_runs',
    key: ['id'],
    columns: {
      id: 'text!',
      workflow_id: 'text!',
      goal: 'text!',
      input_hash: 'text',
      metadata_json: 'text!',
      ...run,
    },
    json: { metadata_json: 'invalid_json_column' },
  },
  {
    kind: 'state.branch_runs',
    name: 'branch_runs',
    key: ['id'],
    columns: {
      id: 'text!',
      workflow_run_id: 'text!',
      branch_id: 'text!',
      node_id: 'text!',
      result_json: 'text!',
      ...run,
    },
    json: { result_json: 'invalid_json_column' },
  },
  {
    kind: 'state.leaf_runs',
    name: 'leaf_runs',
    key: ['id'],
    columns: {
      id: 'text!',
      workflow_run_id: 'text!',
      branch_run_id: 'text',
      leaf_id: 'text!',
      task_id: 'text!',
      input_hash: 'text',
      output_json: 'text!',
      artifacts_json: 'text!',
      ...run,
    },
    json: { output_json: 'invalid_json_column', artifacts_json: 'invalid_json_column' },
  },
  {
    kind: 'state.control_node_runs',
    name: 'control_node_runs',
    key: ['id'],
    columns: {
      id: 'text!',
      workflow_run_id: 'text!',
      node_id: 'text!',
      kind: 'text!',
      selected_children_json: 'text!',
      result_json: 'text!',
      ...run,
    },
    json: { selected_children_json: 'invalid_json_column', result_json: 'invalid_json_column' },
  },
  {
    kind: 'state.teacher_candidates',
    name: 'teacher_candidates',
    key: ['id'],
    columns: {
      id: 'text!',
      workflow_run_id: 'text!',
      control_node_run_id: 'text!',
      candidate_id: 'text!',
      branch_run_id: 'text',
      score: 'real',
      passed: 'int',
      rationale_json: 'text!',
      created_at: 'int!',
    },
    json: { rationale_json: 'invalid_json_column' },
  },
];
