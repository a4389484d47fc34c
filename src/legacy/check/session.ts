import {
  anything,
  bool,
  both,
  defaulted,
  float,
  list,
  object,
  oneOf,
  optional,
  required,
  rule,
  safeId,
  text,
  time,
  trimmed,
  u32,
  u64,
  u8,
  version,
  type Check,
} from './shape.ts';
import { journalEntryCheck, messageCheck } from './message.ts';
import { receiptCheck } from './session-side-files.ts';

const optionalText = optional(text);
const requiredText = required(text);

const amounts = ['session_cost', 'subagent_cost', 'displayed_cost_high_water'];
const textSets = [
  'unpriced_reasons',
  'cny_unpriced_reasons',
  'unpriced_classes',
  'pricing_provenances',
  'live_pricing_defects',
  'live_pricing_unusable_defects',
  'route_receipts',
];
const turnCounts = ['priced_turns', 'unpriced_turns', 'cny_priced_turns', 'cny_unpriced_turns'];
const cost = object({
  ...Object.fromEntries(
    amounts.flatMap((name) => [
      [`${name}_usd`, defaulted(float)],
      [`${name}_cny`, defaulted(float)],
    ]),
  ),
  ...Object.fromEntries(turnCounts.map((name) => [name, defaulted(u32)])),
  ...Object.fromEntries(textSets.map((name) => [name, defaulted(list(text))])),
  coverage_recorded: defaulted(bool),
});

const metadata = (id: Check) =>
  object({
    id: required(id),
    title: requiredText,
    created_at: required(time),
    updated_at: required(time),
    message_count: required(u64),
    total_tokens: required(u64),
    model: requiredText,
    model_provider: defaulted(text),
    model_provider_id: optionalText,
    workspace: requiredText,
    mode: optionalText,
    cost: defaulted(cost),
    parent_session_id: optionalText,
    forked_from_message_count: optional(u64),
    cumulative_turn_secs: defaulted(u64),
    archived: defaulted(bool),
    spawn_depth: defaulted(u32),
  });

const reference = object({
  message_index: required(u64),
  reference: required(
    object({
      kind: required(
        oneOf(
          'file',
          'directory',
          'missing',
          'unsupported',
          'media_mention',
          'media_attachment',
          'git_context',
        ),
      ),
      source: required(oneOf('at_mention', 'attachment')),
      badge: requiredText,
      label: requiredText,
      target: requiredText,
      included: required(bool),
      expanded: required(bool),
      detail: optionalText,
    }),
  ),
});

const artifact = object({
  id: requiredText,
  kind: required(oneOf('tool_output')),
  session_id: defaulted(text),
  tool_call_id: requiredText,
  tool_name: requiredText,
  created_at: required(time),
  byte_size: required(u64),
  preview: requiredText,
  storage_path: requiredText,
});

const planTexts = [
  'title',
  'objective',
  'context_summary',
  'explanation',
  'recommended_approach',
  'verification_plan',
  'risks_and_unknowns',
  'handoff_packet',
];
const planLists = ['sources_used', 'critical_files', 'constraints'];
const planItem = object({
  step: requiredText,
  status: required(oneOf('pending', 'in_progress', 'completed')),
});
const todo = object({
  id: required(u32),
  content: requiredText,
  status: required(oneOf('pending', 'in_progress', 'completed', 'cancelled', 'canceled')),
});
const workState = object({
  graph: optional(anything),
  todos: defaulted(
    object({
      items: defaulted(list(todo)),
      completion_pct: defaulted(u8),
      in_progress_id: optional(u32),
    }),
  ),
  plan: defaulted(
    object({
      ...Object.fromEntries(planTexts.map((name) => [name, optionalText])),
      ...Object.fromEntries(planLists.map((name) => [name, defaulted(list(text))])),
      items: defaulted(list(planItem)),
    }),
  ),
});

/** An id of a session: no name that the sessions folder uses for something else. */
const sessionId: Check = trimmed(
  both(
    safeId,
    rule((id: string) => id !== 'session_boot_owners', 'unsafe_id'),
  ),
);

const checkpointId: Check = both(
  sessionId,
  trimmed(rule((id: string) => id !== 'latest' && id !== 'offline_queue', 'unsafe_id')),
);
const savedSession = (id: Check): Check =>
  object({
    schema_version: defaulted(version(1)),
    metadata: required(metadata(id)),
    messages: required(list(messageCheck)),
    journal: optional(
      object({
        entries: defaulted(list(journalEntryCheck)),
        leaf_id: optionalText,
        schema_version: defaulted(u32),
        spawn_depth: defaulted(u32),
      }),
    ),
    leaf_id: optionalText,
    system_prompt: optionalText,
    context_references: defaulted(list(reference)),
    artifacts: defaulted(list(artifact)),
    approval_receipts: defaulted(list(receiptCheck)),
    work_state: optional(workState),
    window_title: optionalText,
    last_auto_route: optional(anything),
  });

/** A saved session. */
export const sessionCheck: Check = savedSession(sessionId);

/** A session of a turn that was under way. */
export const checkpointCheck: Check = savedSession(checkpointId);
