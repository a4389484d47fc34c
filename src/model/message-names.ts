import type { UnnamedMessage } from './legacy-session.ts';

/** Rows of a session that are there already, some of them under ids that no import makes. */
export interface KnownMessages {
  /** The row that a journal entry holds, where it may be one of them. */
  readonly ofEntry: (entryId: string) => string | undefined;
  /** Whether a row is one of them, and says this below this parent. */
  readonly isOne: (id: string, message: UnnamedMessage) => boolean;
  /** All of them that say this below this parent, the first ones first. */
  readonly twins: (message: UnnamedMessage) => readonly string[];
}

/**
 * The id of a message of a session file: that of the row that it is, else the one that an import
 * makes.
 *
 * @param made - the id that an import makes of it, see `messageId`
 */
export function knownId(known: KnownMessages, message: UnnamedMessage, made: string): string {
  const twins = known.twins(message);
  if (twins.length === 0) return made;
  const { entryId, onBranch, twin } = message;
  const held = entryId === undefined ? undefined : known.ofEntry(entryId);
  const isOne = (id: string | undefined) => id !== undefined && known.isOne(id, message);
  const [id] = [held, made, onBranch, twins[twin]].filter(isOne);
  return id ?? made;
}
