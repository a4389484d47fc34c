import {
  bool,
  defaulted,
  i32,
  list,
  object,
  oneOf,
  optional,
  pathId,
  required,
  text,
  time,
  u32,
  u64,
  u8,
  version,
  type Check,
} from './shape.ts';

const optionalText = optional(text);
const requiredText = required(text);

const checklist = object({
  items: required(list(object({ id: required(u32), content: requiredText, status: requiredText }))),
  completion_pct: required(u8),
  in_progress_id: optional(u32),
  updated_at: optional(time),
});

const gate = object({
  id: requiredText,
  gate: requiredText,
  command: requiredText,
  cwd: requiredText,
  exit_code: optional(i32),
  status: requiredText,
  classification: requiredText,
  duration_ms: required(u64),
  summary: requiredText,
  log_path: optionalText,
  recorded_at: required(time),
});

const attempt = object({
  id: requiredText,
  attempt_group_id: requiredText,
  attempt_index: required(u32),
  attempt_count: required(u32),
  base_ref: optionalText,
  base_sha: optionalText,
  head_ref: optionalText,
  head_sha: optionalText,
  summary: requiredText,
  changed_files: required(list(text)),
  patch_path: optionalText,
  verification: required(list(text)),
  selected: required(bool),
  recorded_at: required(time),
});

const artifact = object({
  label: requiredText,
  path: requiredText,
  summary: requiredText,
  created_at: required(time),
});

const githubEvent = object({
  id: requiredText,
  action: requiredText,
  target: requiredText,
  number: required(u64),
  summary: requiredText,
  url: optionalText,
  recorded_at: required(time),
});

const toolCall = object({
  id: requiredText,
  name: requiredText,
  status: required(oneOf('running', 'success', 'failed', 'canceled')),
  started_at: required(time),
  ended_at: optional(time),
  duration_ms: optional(u64),
  input_summary: optionalText,
  output_summary: optionalText,
  detail_path: optionalText,
  patch_ref: optionalText,
});

const timelineEntry = object({
  timestamp: required(time),
  kind: requiredText,
  summary: requiredText,
  detail_path: optionalText,
});

export const taskCheck: Check = object({
  schema_version: defaulted(version(2)),
  // The original takes any id here and would build a path from it.
  id: required(pathId),
  prompt: requiredText,
  model: requiredText,
  workspace: requiredText,
  mode: requiredText,
  allow_shell: required(bool),
  trust_mode: required(bool),
  auto_approve: defaulted(bool),
  status: required(oneOf('queued', 'running', 'completed', 'failed', 'canceled')),
  created_at: required(time),
  started_at: optional(time),
  ended_at: optional(time),
  duration_ms: optional(u64),
  hunt_verdict: optional(oneOf('hunting', 'hunted', 'wounded', 'escaped')),
  result_summary: optionalText,
  error: optionalText,
  result_detail_path: optionalText,
  terminal_reason: optional(
    oneOf(
      'completed',
      'canceled',
      'cancel_timeout',
      'shutdown',
      'wall_timeout',
      'idle_timeout',
      'failed',
    ),
  ),
  thread_id: optionalText,
  turn_id: optionalText,
  owner_session_id: optionalText,
  runtime_event_count: defaulted(u64),
  lifecycle_seq: defaulted(u64),
  checklist: defaulted(checklist),
  gates: defaulted(list(gate)),
  attempts: defaulted(list(attempt)),
  artifacts: defaulted(list(artifact)),
  github_events: defaulted(list(githubEvent)),
  tool_calls: required(list(toolCall)),
  timeline: required(list(timelineEntry)),
});

export const taskQueueCheck: Check = object({ queue: required(list(text)) });
