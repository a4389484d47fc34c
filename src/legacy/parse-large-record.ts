import { isUtf8 } from 'node:buffer';
import { setImmediate } from 'node:timers/promises';
import { HollowText } from '../model/hollow-json.ts';
import { checkStringContent } from '../model/json-scan.ts';
import { JsonTextError } from '../model/json-text.ts';
import { LongStrings } from '../model/long-strings.ts';
import type { Check } from './check/shape.ts';
import { PIECE_BYTES } from './read-source.ts';
import { parseRecord, type Parsed } from './parse-record.ts';

/** A record of more bytes is taken apart: as one text it takes four times the memory, and its time. */
export const LARGE_RECORD_BYTES = 4 << 20;

/**
 * As {@link parseRecord}, and others get a turn meanwhile. Of a sound record with long strings only
 * the skeleton becomes text: see {@link LongStrings}.
 *
 * @param bytes - not changed as long as the record is in use
 * @param check - must not look into strings of more than 64 KiB
 */
export async function parseLargeRecord(bytes: Buffer, check: Check): Promise<Parsed> {
  const apart = await takeApart(bytes);
  const parsed = apart && parseRecord(apart.skeleton, check);
  // What is wrong first, if anything is, only the whole tells.
  if (!parsed || 'refusal' in parsed) return parseRecord(bytes, check);
  apart.strings.fill(parsed.value);
  return { ...parsed, strings: apart.strings };
}

interface Apart {
  readonly skeleton: Buffer;
  readonly strings: LongStrings;
}

/** Undefined where there is nothing to take out, or something is wrong with what was. */
async function takeApart(bytes: Buffer): Promise<Apart | undefined> {
  const lengths: number[] = [];
  const hollow = new HollowText((number, segment) => {
    checkStringContent(segment);
    lengths[number] = (lengths[number] ?? 0) + segment.length;
  });
  try {
    for (let at = 0; at < bytes.length;) {
      const piece = bytes.subarray(at, pieceEnd(bytes, at));
      if (!isUtf8(piece)) return undefined;
      hollow.push(piece);
      at += piece.length;
      await setImmediate();
    }
    const skeleton = hollow.skeleton();
    // Keys are compared with each other as they are.
    if (hollow.count === 0 || hollow.hasLongKey(skeleton.toString('latin1'))) return undefined;
    return { skeleton, strings: new LongStrings(bytes, skeleton, lengths) };
  } catch (error) {
    if (error instanceof JsonTextError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** A piece that is whole characters where all of the text is. */
function pieceEnd(bytes: Buffer, from: number): number {
  const end = from + PIECE_BYTES;
  // A character has up to four bytes; all but the first of them begin with the bits 10.
  for (let cut = end; cut > end - 4; cut--) {
    if (((bytes[cut] ?? 0) & 0xc0) !== 0x80) return cut;
  }
  return end;
}
