import {
  anything,
  bool,
  both,
  defaulted,
  i64,
  list,
  matching,
  object,
  oneOf,
  optional,
  pathId,
  required,
  rule,
  safeId,
  text,
  time,
  u32,
  u64,
  unixTime,
  version,
  type Check,
} from './shape.ts';

const optionalText = optional(text);
const requiredText = required(text);
const posture = optional(oneOf('ask', 'auto_review', 'full_access'));
const status = oneOf('queued', 'in_progress', 'completed', 'failed', 'interrupted', 'canceled');
const billingMode = oneOf('metered', 'subscription', 'local', 'unknown');

export const threadCheck: Check = object({
  schema_version: defaulted(version(2)),
  id: required(safeId),
  created_at: required(time),
  updated_at: required(time),
  model: requiredText,
  model_provider: optionalText,
  model_provider_id: optional(matching(/^[^]/, 'invalid_value')),
  workspace: requiredText,
  mode: requiredText,
  permission_posture: posture,
  allow_shell: required(bool),
  trust_mode: required(bool),
  auto_approve: required(bool),
  latest_turn_id: optionalText,
  latest_response_bookmark: optionalText,
  archived: defaulted(bool),
  system_prompt: optionalText,
  task_id: optionalText,
  title: optionalText,
  session_id: optionalText,
});

const usage = object({
  input_tokens: required(u32),
  output_tokens: required(u32),
  prompt_cache_hit_tokens: optional(u32),
  prompt_cache_miss_tokens: optional(u32),
  prompt_cache_write_tokens: optional(u32),
  reasoning_tokens: optional(u32),
  reasoning_replay_tokens: optional(u32),
  server_tool_use: optional(
    object({ code_execution_requests: optional(u32), tool_search_requests: optional(u32) }),
  ),
});

const routedUsage = object({
  route: required(
    object({
      provider: requiredText,
      provider_identity: requiredText,
      model: requiredText,
      billing_surface: optionalText,
      endpoint_fingerprint: optionalText,
      billing_mode: defaulted(billingMode),
      dispatched_at: required(time),
    }),
  ),
  usage: required(usage),
});

export const turnCheck: Check = object({
  schema_version: defaulted(version(2)),
  id: required(safeId),
  thread_id: requiredText,
  input_summary: requiredText,
  created_at: required(time),
  status: required(status),
  started_at: optional(time),
  ended_at: optional(time),
  duration_ms: optional(u64),
  usage: optional(usage),
  permission_posture: posture,
  effective_provider: optionalText,
  effective_provider_id: optionalText,
  effective_billing_surface: optionalText,
  effective_endpoint_fingerprint: optionalText,
  effective_billing_mode: optional(billingMode),
  effective_dispatched_at: optional(time),
  effective_model: optionalText,
  routed_usage: defaulted(list(routedUsage)),
  routed_usage_source_ids: defaulted(list(text)),
  routed_usage_dropped_records: defaulted(u64),
  error: optionalText,
  item_ids: defaulted(list(text)),
  steer_count: defaulted(u64),
  agent_mail_message_id: optionalText,
});

export const itemCheck: Check = object({
  schema_version: defaulted(version(2)),
  id: required(safeId),
  turn_id: requiredText,
  kind: required(
    oneOf(
      'user_message',
      'agent_message',
      'agent_reasoning',
      'tool_call',
      'file_change',
      'command_execution',
      'context_compaction',
      'status',
      'error',
    ),
  ),
  status: required(status),
  summary: requiredText,
  detail: optionalText,
  metadata: optional(anything),
  artifact_refs: defaulted(list(text)),
  started_at: optional(time),
  ended_at: optional(time),
});

/** A line of an event log. The original checks no version here; an unknown one is not taken. */
export const eventCheck: Check = object({
  schema_version: defaulted(version(2)),
  seq: required(u64),
  timestamp: required(time),
  thread_id: requiredText,
  turn_id: optionalText,
  item_id: optionalText,
  event: requiredText,
  payload: required(anything),
});

export const runtimeStateCheck: Check = object({
  schema_version: defaulted(u32),
  next_seq: required(u64),
});

export const runtimeOwnerCheck: Check = object({ owner_id: requiredText });

export const runtimeGoalCheck: Check = object({
  thread_id: required(pathId),
  goal_id: requiredText,
  objective: requiredText,
  status: required(
    oneOf('active', 'paused', 'blocked', 'usage_limited', 'budget_limited', 'complete'),
  ),
  token_budget: optional(i64),
  tokens_used: required(i64),
  time_used_seconds: required(i64),
  continuation_count: required(i64),
  created_at: required(unixTime),
  updated_at: required(unixTime),
});

/** A mail is kept as it is; only what it is found by is checked. */
export const agentMailCheck: Check = object({
  schema_version: defaulted(
    both(
      version(1),
      rule((value) => value === 1, 'invalid_value'),
    ),
  ),
  message_id: required(safeId),
});
