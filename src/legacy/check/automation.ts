import {
  anything,
  bool,
  defaulted,
  list,
  object,
  oneOf,
  optional,
  pathId,
  required,
  text,
  time,
  version,
  type Check,
} from './shape.ts';

const optionalText = optional(text);
const requiredText = required(text);

/** The rule is not parsed: one that the scheduler does not support is kept as it is. */
export const automationCheck: Check = object({
  schema_version: defaulted(version(1)),
  id: required(pathId),
  name: requiredText,
  prompt: requiredText,
  rrule: requiredText,
  cwds: defaulted(list(text)),
  mode: optionalText,
  allow_shell: optional(bool),
  trust_mode: optional(bool),
  auto_approve: optional(bool),
  delivery_mode: optional(oneOf('task', 'watcher')),
  status: required(oneOf('active', 'paused')),
  created_at: required(time),
  updated_at: required(time),
  next_run_at: optional(time),
  last_run_at: optional(time),
});

export const automationRunCheck: Check = object({
  schema_version: defaulted(version(1)),
  id: required(pathId),
  automation_id: requiredText,
  scheduled_for: required(time),
  status: required(oneOf('queued', 'running', 'completed', 'failed', 'canceled')),
  created_at: required(time),
  started_at: optional(time),
  ended_at: optional(time),
  task_id: optionalText,
  thread_id: optionalText,
  turn_id: optionalText,
  error: optionalText,
});

export const triggerCheck: Check = object({
  schema_version: defaulted(version(1)),
  trigger_id: required(pathId),
  fire_at: required(time),
  message: requiredText,
  workspace: optionalText,
  owner_session_id: optionalText,
  status: required(oneOf('pending', 'fired', 'canceled', 'failed')),
  created_at: required(time),
  fired_at: optional(time),
  task_id: optionalText,
  thread_id: optionalText,
  error: optionalText,
  parent_trigger_id: optionalText,
});

/** A line of audit.log. */
export const auditCheck: Check = object({
  ts: required(time),
  event: requiredText,
  details: optional(anything),
});
