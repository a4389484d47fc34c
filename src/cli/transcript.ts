import { formatCount, localTime, safeText } from './format.ts';
import type { Paint } from './output.ts';

interface Utterance {
  readonly id: string;
  readonly role: string;
  readonly createdAt: string | null;
  readonly content: unknown;
}

/** Of what a tool was given and said, and of what a model thought. */
const BLOCK_LENGTH_MAX = 2000;

/** Messages for people to read, oldest first; very long blocks are cut, with a note. */
export function formatTranscript(messages: readonly Utterance[], paint: Paint): string {
  return messages
    .map(({ id, role, createdAt, content }) => {
      const heading = [role, localTime(createdAt), id].filter((part) => part !== '').join('  ');
      return `${paint('bold', safeText(heading))}\n${formatContent(content)}`;
    })
    .join('\n\n');
}

/** Text, or the blocks of a message: what was said as it is, anything else below its kind. */
function formatContent(content: unknown): string {
  if (typeof content === 'string') return safeText(content);
  if (Array.isArray(content)) return content.map(formatBlock).join('\n');
  return indent(safeText(readable(content)));
}

function formatBlock(block: unknown): string {
  if (typeof block !== 'object' || block === null) return formatContent(block);
  const fields = block as Record<string, unknown>;
  const { type, text } = fields;
  if (type === 'text' && typeof text === 'string') return safeText(text);
  const { title, body } = partsOf(fields);
  const shown = cut(safeText(readable(body)).trimEnd());
  return shown === '' ? `[${title}]` : `[${title}]\n${indent(shown)}`;
}

/** What of a block is for people: signatures and states are for the provider alone. */
function partsOf(block: Record<string, unknown>): { title: string; body: unknown } {
  const { type, ...rest } = block;
  const kind = typeof type === 'string' ? type : 'block';
  const named = typeof block['name'] === 'string' ? `${kind} ${block['name']}` : kind;
  const title = safeText(block['is_error'] === true ? `${named}, an error` : named);
  for (const field of ['thinking', 'input', 'content', 'text']) {
    if (block[field] !== undefined) return { title, body: block[field] };
  }
  return { title, body: rest };
}

/** A value as lines of name and value; texts as they are. */
function readable(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .map(([name, field]) => {
      const label = Array.isArray(value) ? '-' : `${name}:`;
      const text = readable(field);
      if (typeof field === 'object' && field !== null) return `${label}\n${indent(text)}`;
      return text.includes('\n') ? `${label}\n${indent(text)}` : `${label} ${text}`;
    })
    .join('\n');
}

function cut(text: string): string {
  const left = text.length - BLOCK_LENGTH_MAX;
  if (left <= 0) return text;
  const kept = text.slice(0, BLOCK_LENGTH_MAX).toWellFormed();
  return `${kept}\n… ${formatCount(left, 'character')} more; all of it with --json`;
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '  ');
}
