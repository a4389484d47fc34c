/** The longest text of one record that goes into the search index, in UTF-16 units. */
export const TEXT_LENGTH_MAX = 32_768;

/** What a person would search for in a message: its text, its thoughts, what tools said. */
export function messageText(message: unknown): string {
  const parts: string[] = [];
  const content = isObject(message) ? message['content'] : message;
  collect(content, parts);
  return joined(parts);
}

/** The text of a record whose fields are plain text. */
export function plainText(...fields: unknown[]): string {
  const texts = fields.filter((field) => typeof field === 'string' && field !== '');
  return joined(texts as string[]);
}

/** Each cut before they are put together: one of them may be as large as memory allows. */
function joined(texts: readonly string[]): string {
  const beginnings = texts.map((text) => text.slice(0, TEXT_LENGTH_MAX));
  return beginnings.join('\n').slice(0, TEXT_LENGTH_MAX);
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
    // One by one: as arguments of one call, many of them are more than the stack takes.
    else if (Array.isArray(next)) for (const one of next.toReversed()) pending.push(one);
    else if (isObject(next)) for (const one of Object.values(next).toReversed()) pending.push(one);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
