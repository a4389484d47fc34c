import {
  anything,
  both,
  defaulted,
  dictionary,
  exactObject,
  i64,
  list,
  object,
  oneOf,
  optional,
  pathId,
  required,
  rule,
  tagged,
  text,
  time,
  u32,
  u64,
  version,
  type Check,
} from './shape.ts';

const optionalText = optional(text);
const requiredText = required(text);

const receiptHead = {
  approval_id: requiredText,
  tool_call_id: requiredText,
  created_at: required(time),
};
const sameCall = rule(
  (receipt: { approval_id: string; tool_call_id: string }) =>
    receipt.approval_id === receipt.tool_call_id,
  'invalid_value',
);
const outcome = tagged('outcome', {
  approved_once: anything,
  denied: anything,
  cancelled: anything,
  unavailable: anything,
  retry_with_policy: object({
    policy: required(
      tagged('type', {
        'danger-full-access': anything,
        'read-only': anything,
        'external-sandbox': anything,
        'workspace-write': anything,
      }),
    ),
  }),
});

/** A line of approval_receipts.jsonl. */
export const receiptCheck: Check = both(
  tagged('phase', {
    asked: object({ ...receiptHead, tool_name: requiredText }),
    decided: object({ ...receiptHead, outcome: required(outcome) }),
  }),
  sameCall,
);

const queued = object({
  display: requiredText,
  skill_instruction: optionalText,
  skill_provenance: optional(
    exactObject({
      plugin_id: optionalText,
      plugin_name: optionalText,
      workspace: optionalText,
      state_path: optionalText,
      source_manifest: optionalText,
      staged_manifest: optionalText,
      content_hash: optionalText,
      capability_hash: optionalText,
      state_generation: optional(u64),
    }),
  ),
});

export const offlineQueueCheck: Check = object({
  schema_version: defaulted(version(1)),
  session_id: optionalText,
  messages: defaulted(list(queued)),
  draft: optional(queued),
});

export const bootOwnersCheck: Check = dictionary(text);

const objective = rule((value: string) => {
  const length = Array.from(value.trim()).length;
  return length >= 1 && length <= 8192;
}, 'invalid_value');

export const sessionGoalCheck: Check = exactObject({
  schema_version: defaulted(version(1)),
  objective: required(both(text, objective)),
  status: required(oneOf('active', 'paused', 'complete', 'blocked')),
  token_budget: optional(u32),
  tokens_used: defaulted(u64),
  time_used_seconds: defaulted(u64),
  continuation_count: defaulted(u32),
  elapsed_seconds: defaulted(u64),
  pause_reason: optional(oneOf('user', 'backoff', 'no_progress', 'usage_limit', 'budget_limit')),
});

/** A line of session_index.jsonl. */
export const sessionIndexCheck: Check = object({
  thread_id: required(pathId),
  thread_name: optionalText,
  updated_at: required(i64),
  rollout_path: optionalText,
});
