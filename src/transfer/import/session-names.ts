import { loadBody, type BodyColumns } from '../../db/bodies.ts';
import type { Reader } from '../../db/reader.ts';
import type { UnnamedMessage } from '../../model/legacy-session.ts';
import { knownId, type KnownMessages } from '../../model/message-names.ts';
import type { RowMark } from '../../model/row-mark.ts';
import { messageId } from '../../model/session.ts';
import { IMPORT_DEVICE } from '../../model/version.ts';
import { wellFormedJson } from '../export/record-text.ts';

type MarkedMessage = (RowMark['messages'] & object)[number];

/** The ids of the messages of a session that an export made: those of its rows, which it names. */
export class SessionNames {
  readonly #sessionId: string;
  readonly #rows: ReadonlyMap<string, MarkedMessage>;
  readonly #twins = new Map<string, string[]>();

  private constructor(sessionId: string, messages: readonly MarkedMessage[]) {
    this.#sessionId = sessionId;
    this.#rows = new Map(messages.map((message) => [message.id, message]));
    for (const { id, says } of messages) {
      const others = this.#twins.get(says);
      if (others) others.push(id);
      else this.#twins.set(says, [id]);
    }
  }

  /** A name that is that of another message in the store is not believed. */
  static of(reader: Reader, sessionId: string, mark: RowMark | undefined): SessionNames {
    const messages = mark?.messages ?? [];
    return new SessionNames(
      sessionId,
      messages.filter((message) => isHonest(reader, sessionId, message)),
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
    const known: KnownMessages = {
      ofEntry: (entryId) => entryId,
      isOne: (row) => this.#rows.get(row)?.says === says,
      twins: () => this.#twins.get(says) ?? [],
    };
    return knownId(known, message, id);
  }

  /** What only its mark tells of a message; nothing of one that an import made. */
  rowOf(id: string): { device: string; created_at: number | null } | undefined {
    const row = this.#rows.get(id);
    return row && row.device !== IMPORT_DEVICE
      ? { device: row.device, created_at: row.at }
      : undefined;
  }
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
