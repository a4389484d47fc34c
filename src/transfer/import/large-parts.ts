import { storeBody, storeSlices, type BodyColumns } from '../../db/bodies.ts';
import type { Value } from '../../db/connection.ts';
import type { Transaction } from '../../db/transaction.ts';
import type { SplitSession } from '../../model/legacy-session.ts';
import type { SessionNames } from './session-names.ts';
import type { LongStrings } from '../../model/long-strings.ts';

/**
 * What of a large record was worked out before its transaction, so that others got a turn meanwhile.
 * Its text has stand-ins in the place of its long strings.
 */
export interface LargeParts {
  readonly strings: LongStrings;
  /** By their texts, the hashes of bodies that are among the blobs. */
  readonly hashes: ReadonlyMap<string, string>;
  readonly digests?: LineDigests;
  /** The digest of its text as an export made it, where that has a mark which tells one. */
  readonly exported?: string;
  readonly split?: SplitSession;
  readonly names?: SessionNames;
}

/** A line has no other identity than what it says. */
export interface LineDigests {
  /** Of an event. */
  readonly event: string;
  /** Of a line that is kept as it is. */
  readonly kept: string;
}

/** As `storeBody`, of a text that is made of parts of the text of a record. */
export function storeRecordText(
  transaction: Transaction,
  { large }: { readonly large?: LargeParts },
  json: string,
): { [K in keyof BodyColumns]: Value } {
  if (!large) return storeBody(transaction, json);
  const { strings, hashes } = large;
  if (!strings.isLarge(json)) return storeBody(transaction, strings.whole(json));
  return storeSlices(transaction, () => strings.slices(json), hashes.get(json));
}
