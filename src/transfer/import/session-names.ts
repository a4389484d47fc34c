import { createHash } from 'node:crypto';
import { branchIds, currentLeaf } from '../../areas/message-tree.ts';
import { SESSION_TREE } from '../../areas/session-rows.ts';
import { loadBody, type BodyColumns } from '../../db/bodies.ts';
import type { Reader } from '../../db/reader.ts';
import type { UnnamedMessage } from '../../model/legacy-session.ts';
import { knownId, type KnownMessages } from '../../model/message-names.ts';
import { savedMessage } from '../../model/saved-message.ts';
import type { RowMark } from '../../model/row-mark.ts';
import { messageId } from '../../model/session.ts';
import { IMPORT_DEVICE } from '../../model/version.ts';
import { wellFormedJson } from '../export/record-text.ts';

/** `says` is the id that an import would make of it. */
type MarkedMessage = (RowMark['messages'] & object)[number];

/** A message of the store, as it would come back from the old program. */
interface HeldMessage {
  readonly id: string;
  readonly says: string;
  /** What it says however it is spelled, below its parent. */
  readonly saved: string;
}

/**
 * The ids of the messages of a session that an export made: those of its rows. The mark of the export
 * names them; the old program drops it where it saves the session, and then they are found by what they
 * say.
 */
export class SessionNames {
  readonly #sessionId: string;
  readonly #rows: ReadonlyMap<string, MarkedMessage>;
  /** By what they say, the first ones first. */
  readonly #twins = new Map<string, string[]>();

  private constructor(
    sessionId: string,
    marked: readonly MarkedMessage[],
    held: readonly HeldMessage[],
  ) {
    this.#sessionId = sessionId;
    this.#rows = new Map(marked.map((message) => [message.id, message]));
    for (const { id, says } of marked) this.#add(says, id);
    for (const { id, says, saved } of held) {
      this.#add(says, id);
      this.#add(saved, id);
    }
  }

  /** A name that is that of another message in the store is not believed. */
  static of(reader: Reader, sessionId: string, mark: RowMark | undefined): SessionNames {
    const messages = mark?.messages ?? [];
    return new SessionNames(
      sessionId,
      messages.filter((message) => isHonest(reader, sessionId, message)),
      heldMessages(reader, sessionId),
    );
  }

  /**
   * @param made - the id that an import makes of it, where it is too long to be made here; and that
   *   of its first twin
   */
  nameOf(message: UnnamedMessage, made?: { readonly id: string; readonly says: string }): string {
    const { parentId, body, twin } = message;
    const says = made?.says ?? messageId(this.#sessionId, parentId, body);
    const id = made?.id ?? (twin === 0 ? says : messageId(this.#sessionId, parentId, body, twin));
    const twins = this.#twins.get(says) ?? this.#twins.get(savedName(parentId, body)) ?? [];
    const known: KnownMessages = {
      ofEntry: (entryId) => entryId,
      isOne: (row) => twins.includes(row),
      twins: () => twins,
    };
    return knownId(known, message, id);
  }

  /** What only its mark tells of a message. */
  rowOf(id: string): { device: string; created_at: number | null } | undefined {
    const row = this.#rows.get(id);
    return row && { device: row.device, created_at: row.at };
  }

  #add(name: string, id: string): void {
    const others = this.#twins.get(name);
    if (!others) this.#twins.set(name, [id]);
    else if (!others.includes(id)) others.push(id);
  }
}

/** The messages of a session of which some are of no import; those of the current branch first. */
function heldMessages(reader: Reader, sessionId: string): HeldMessage[] {
  const own = 'select count(*) from session_messages where session_id = ? and device <> ?';
  if (reader.number(own, [sessionId, IMPORT_DEVICE]) === 0) return [];
  const rows = reader.list<{ id: string; parent_id: string | null } & BodyColumns>(
    ['id', 'parent_id', 'body', 'body_hash'],
    'from session_messages where session_id = ? order by number',
    [sessionId],
  );
  const leaf = currentLeaf(reader, SESSION_TREE, sessionId);
  const window = { limit: rows.length, offset: 0 };
  const branch = new Set(
    leaf === null ? [] : branchIds(reader, SESSION_TREE, sessionId, leaf, window),
  );
  const [on, beside] = [true, false].map((is) => rows.filter(({ id }) => branch.has(id) === is));
  return [...(on ?? []), ...(beside ?? [])].map(({ id, parent_id: parentId, ...columns }) => {
    const body = wellFormedJson(loadBody(reader, columns));
    return { id, says: messageId(sessionId, parentId, body), saved: savedName(parentId, body) };
  });
}

function savedName(parentId: string | null, body: string): string {
  const digest = createHash('sha256').update(savedMessage(body)).digest('hex');
  return JSON.stringify([parentId, digest]);
}

function isHonest(reader: Reader, sessionId: string, { id, says }: MarkedMessage): boolean {
  const held = reader.first<{ session_id: string; parent_id: string | null } & BodyColumns>(
    ['session_id', 'parent_id', 'body', 'body_hash'],
    'from session_messages where id = ?',
    [id],
  );
  if (!held) return true;
  if (held.session_id !== sessionId) return false;
  const body = wellFormedJson(loadBody(reader, held));
  // An imported one may be the second of two twins.
  return [0, 1].some((twin) => says === messageId(sessionId, held.parent_id, body, twin));
}
