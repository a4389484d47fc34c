import { localTime, safeText } from './format.ts';
import type { Paint } from './output.ts';

interface Utterance {
  readonly id: string;
  readonly role: string;
  readonly createdAt: string | null;
  readonly content: unknown;
}

/** Messages for people to read, oldest first. */
export function formatTranscript(messages: readonly Utterance[], paint: Paint): string {
  return messages
    .map(({ id, role, createdAt, content }) => {
      const heading = [role, localTime(createdAt), id].filter((part) => part !== '').join('  ');
      return `${paint('bold', safeText(heading))}\n${safeText(formatContent(content))}`;
    })
    .join('\n\n');
}

/** Text, or the blocks of a message: texts as they are, anything else as its kind and its JSON. */
function formatContent(content: unknown): string {
  if (typeof content === 'string') return content;
  if (Array.isArray(content)) return content.map(formatBlock).join('\n');
  return JSON.stringify(content, null, 2);
}

function formatBlock(block: unknown): string {
  if (typeof block !== 'object' || block === null) return formatContent(block);
  const { type, text, ...rest } = block as Record<string, unknown>;
  if (type === 'text' && typeof text === 'string') return text;
  const body = typeof text === 'string' ? text : JSON.stringify(rest);
  return `[${typeof type === 'string' ? type : 'block'}] ${body}`;
}
