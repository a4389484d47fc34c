import { arrayElements, objectMembers } from './json-text.ts';

/**
 * A message as far as the old program saves it, in one spelling: it writes the members of a message and
 * of its blocks in an order of its own, drops what else a message has, and leaves out what is null.
 * Inside of blocks it changes nothing.
 */
export function savedMessage(raw: string): string {
  if (!raw.startsWith('{')) return raw;
  const members = new Map(objectMembers(raw).map(({ key, value }) => [key, value]));
  const content = members.get('content') ?? 'null';
  const blocks = content.startsWith('[') ? arrayElements(content).map(inOrder) : [content];
  return JSON.stringify([members.get('role') ?? '', blocks]);
}

function inOrder(block: string): string {
  if (!block.startsWith('{')) return block;
  const members = objectMembers(block)
    .filter(({ value }) => value !== 'null')
    .map(({ key, value }) => [key, value] as const);
  return JSON.stringify(members.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
