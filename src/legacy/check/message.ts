import {
  anything,
  bool,
  defaulted,
  list,
  object,
  optional,
  required,
  tagged,
  text,
  time,
  u32,
  u64,
  type Check,
} from './shape.ts';

const optionalText = optional(text);
const requiredText = required(text);

const cacheControl = optional(object({ type: requiredText }));
const anyResult = object({ tool_use_id: requiredText, content: required(anything) });

/** A block of a message. */
export const blockCheck: Check = tagged('type', {
  text: object({ text: requiredText, cache_control: cacheControl }),
  image_url: object({ image_url: required(object({ url: requiredText })) }),
  thinking: object({
    thinking: requiredText,
    signature: optionalText,
    state: optional(
      object({
        provider: requiredText,
        api: requiredText,
        model: requiredText,
        id: optionalText,
        encrypted_content: requiredText,
      }),
    ),
  }),
  tool_use: object({
    id: requiredText,
    name: requiredText,
    input: required(anything),
    caller: optional(object({ type: requiredText, tool_id: optionalText })),
    thought_signature: optionalText,
  }),
  tool_result: object({
    tool_use_id: requiredText,
    content: requiredText,
    is_error: optional(bool),
    content_blocks: optional(list(anything)),
  }),
  server_tool_use: object({ id: requiredText, name: requiredText, input: required(anything) }),
  tool_search_tool_result: anyResult,
  code_execution_tool_result: anyResult,
});

/** A message with its blocks; block types that the original does not know are refused. */
export const messageCheck: Check = object({
  role: requiredText,
  content: required(list(blockCheck)),
});

const entryHead = {
  id: requiredText,
  parent_id: optionalText,
  created_at: required(time),
  spawn_depth: defaulted(u32),
};
/** An entry of a session's journal. */
export const journalEntryCheck: Check = tagged('kind', {
  message: object({ ...entryHead, message: required(messageCheck) }),
  user: object({ ...entryHead, text: requiredText }),
  assistant: object({ ...entryHead, text: requiredText }),
  compaction: object({
    ...entryHead,
    summary: requiredText,
    tokens_before: optional(u64),
    tokens_after: optional(u64),
    model: optionalText,
  }),
  branch_summary: object({
    ...entryHead,
    branch_id: requiredText,
    summary: requiredText,
    parent_branch_id: optionalText,
  }),
  system: object({ ...entryHead, content: requiredText }),
});
