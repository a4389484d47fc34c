/** The longest text of one record that goes into the search index, in UTF-16 units. */
const TEXT_LENGTH_MAX = 32_768;

/** What a person would search for in a message: its text, its thoughts, what tools said. */
export function messageText(message: unknown): string {
  const parts: string[] = [];
  const content = isObject(message) ? message['content'] : message;
  collect(content, parts);
  return parts.join('\n').slice(0, TEXT_LENGTH_MAX);
}

/** The text of a record whose fields are plain text. */
export function plainText(...fields: unknown[]): string {
  const texts = fields.filter((field) => typeof field === 'string' && field !== '');
  return texts.join('\n').slice(0, TEXT_LENGTH_MAX);
}

function collect(content: unknown, parts: string[]): void {
  if (typeof content === 'string') {
    parts.push(content);
    return;
  }
  if (!Array.isArray(content)) return;
  for (const block of content) {
    if (!isObject(block)) continue;
    for (const key of ['text', 'thinking', 'name']) {
      if (typeof block[key] === 'string') parts.push(block[key]);
    }
    if (block['input'] !== undefined) collectStrings(block['input'], parts);
    if (block['content'] !== undefined) collectStrings(block['content'], parts);
  }
}

/** Every string inside a tool's input or result, whatever its shape. Iterative: depth is not ours. */
function collectStrings(value: unknown, parts: string[]): void {
  const pending: unknown[] = [value];
  while (pending.length > 0) {
    const next = pending.pop();
    if (typeof next === 'string') parts.push(next);
    else if (Array.isArray(next)) pending.push(...(next as unknown[]).toReversed());
    else if (isObject(next)) pending.push(...Object.values(next).toReversed());
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
