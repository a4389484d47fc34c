import { blockCheck } from '../../legacy/check/message.ts';
import { isObject } from '../../legacy/check/shape.ts';
import { parseJson, patchObject } from '../../model/json-text.ts';
import { STORED_BLOCK, mapElements, patchMember } from '../../model/stored-block.ts';

/**
 * A message as the old program can read it: a block that it would refuse, and with it the whole
 * session, becomes one that it knows and has the stored one in it.
 */
export function readableMessage(message: string): string {
  return patchMember(message, 'content', (content) => mapElements(content, readableBlock));
}

function readableBlock(json: string): string {
  const block = parseJson(json);
  if (blockCheck(block) === undefined) return json;
  return patchObject(JSON.stringify(standIn(block)), { [STORED_BLOCK]: json });
}

function standIn(block: unknown): object {
  if (!isObject(block)) return { type: 'text', text: textOf(block) };
  const { type, id, name, input = {}, tool_use_id, content, is_error } = block;
  const call = { type, id, name, input };
  if (blockCheck(call) === undefined) return call;
  const result = { type, tool_use_id, content: textOf(content), is_error: is_error === true };
  if (type === 'tool_result' && blockCheck(result) === undefined) return result;
  return { type: 'text', text: textOf(block) };
}

/** What a person would read of it. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (Array.isArray(content)) return content.map(textOf).join('\n');
  if (!isObject(content)) return content === undefined ? '' : JSON.stringify(content);
  for (const key of ['text', 'thinking', 'content']) {
    if (content[key] !== undefined && content[key] !== null) return textOf(content[key]);
  }
  return typeof content['type'] === 'string' ? `[${content['type']}]` : JSON.stringify(content);
}
