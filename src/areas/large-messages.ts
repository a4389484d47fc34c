import { isLarge, isLargeJson, stageLarge } from '../db/large-bodies.ts';
import type { Reader } from '../db/reader.ts';
import { jsonOf, type LongJson } from '../model/long-json.ts';
import { messageText } from '../model/message-text.ts';
import type { Message, SessionMessage } from '../model/session.ts';
import { readLargeBody } from './large-body.ts';
import type { Page } from './page.ts';
import type { Runner } from './runner.ts';
import { contentOf, toMessage, type MessageRow } from './session-rows.ts';

/** A message as it is now: what becomes of the value later changes nothing. */
export interface PreparedMessage {
  readonly role: string;
  readonly body: string | LongJson;
  /** By what it is found. */
  readonly searchText: string;
}

export function prepareMessage(message: Message): PreparedMessage {
  const { role, content: given } = message;
  const content = typeof given === 'string' ? [{ type: 'text', text: given }] : given;
  const body = jsonOf({ ...message, content });
  return { role, body, searchText: messageText({ content }) };
}

/** Brings large ones among the blobs; undefined where there are none. */
export function stagingOf(
  runner: Runner,
  messages: readonly PreparedMessage[],
): (() => Promise<ReadonlyMap<number, string>>) | undefined {
  const bodies = messages.map(({ body }) => body);
  return bodies.some(isLargeJson) ? () => stageLarge(runner, bodies) : undefined;
}

/** Messages as they were read in one view; the contents of some are still to come. */
export interface ReadMessages {
  readonly page: Page<SessionMessage>;
  readonly pending: readonly PendingMessage[];
}

interface PendingMessage {
  readonly message: SessionMessage;
  readonly bodyHash: string;
}

/** Leaves out what is better read piece by piece, see {@link wholeMessages}. */
export function readMessages(
  reader: Reader,
  rows: readonly MessageRow[],
): Pick<ReadMessages, 'pending'> & { readonly items: SessionMessage[] } {
  const pending: PendingMessage[] = [];
  const items = rows.map((row) => {
    const { body_hash: bodyHash } = row;
    const isPending = bodyHash !== null && isLarge(reader, { body: null, body_hash: bodyHash });
    if (!isPending) return toMessage(reader, row);
    const message = toMessage(reader, { ...row, body_hash: null, document: null });
    pending.push({ message, bodyHash });
    return message;
  });
  return { items, pending };
}

/** Brings what is large, piece by piece. */
export async function wholeMessages(
  runner: Runner,
  { page, pending }: ReadMessages,
): Promise<Page<SessionMessage>> {
  for (const { message, bodyHash } of pending) {
    const body = await readLargeBody(runner, 'session_messages', message.id, bodyHash);
    message.content = contentOf(body);
  }
  return page;
}
