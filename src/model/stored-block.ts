import { arrayElements, objectMembers, patchObject } from './json-text.ts';

/**
 * The member of a block of a message in an export that holds the block of the store, where that is of a
 * kind that the old program does not know: for that program it is a block that it can read.
 */
export const STORED_BLOCK = 'store_block';

/** Gives the messages of an exported session the blocks back that they have in the store. */
export function withStoredBlocks(raw: string): string {
  if (!raw.includes(`"${STORED_BLOCK}":`)) return raw;
  return patchMember(patchMember(raw, 'messages', messagesOf), 'journal', (journal) =>
    patchMember(journal, 'entries', (entries) =>
      mapElements(entries, (entry) => patchMember(entry, 'message', messageOf)),
    ),
  );
}

const messagesOf = (messages: string) => mapElements(messages, messageOf);
const messageOf = (message: string) =>
  patchMember(message, 'content', (content) => mapElements(content, blockOf));
const blockOf = (block: string) => memberOf(block, STORED_BLOCK) ?? block;

/** Changes the elements of a list; anything else stays. */
export function mapElements(json: string, change: (element: string) => string): string {
  return json.startsWith('[') ? `[${arrayElements(json).map(change).join(',')}]` : json;
}

/** Changes a member of an object; where there is none, all stays. */
export function patchMember(json: string, key: string, change: (member: string) => string): string {
  const held = memberOf(json, key);
  if (held === undefined) return json;
  const changed = change(held);
  return changed === held ? json : patchObject(json, { [key]: changed });
}

function memberOf(json: string, key: string): string | undefined {
  if (!json.startsWith('{')) return undefined;
  return objectMembers(json).find((member) => member.key === key)?.value;
}
