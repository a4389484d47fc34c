import { randomUUID } from 'node:crypto';
import { readPieces, type BodyPlace } from '../../db/large-bodies.ts';
import { HollowText } from '../../model/hollow-json.ts';
import { objectMembers, patchObject } from '../../model/json-text.ts';
import { wellFormedJson } from './record-text.ts';
import { TextDigest } from './said.ts';

interface LongString {
  readonly hash: string;
  /** Which of the long strings of that body. */
  readonly number: number;
}

interface Segment {
  readonly number: number;
  readonly bytes: Buffer;
}

/** A way through the long strings of a body, from the first to the last. */
interface Reading {
  readonly hash: string;
  readonly segments: AsyncGenerator<Segment, undefined>;
  /** Read, and not used yet. */
  held: Segment | undefined;
  /** The string that was read last. */
  number: number;
}

/**
 * Members that have a column of their own: it decides whether they keep their spelling, and is in
 * memory as a whole anyway.
 */
const COLUMNS = ['error', 'input_summary', 'message', 'name', 'prompt', 'summary', 'title'];

/**
 * A record made of large bodies. Their long strings stay in the store, with something short in the
 * place of each, while the text of the record is made; then they go out piece by piece.
 */
export class HollowRecord {
  readonly #place: Pick<BodyPlace, 'read'>;
  /** In no text but by this record. */
  readonly #mark = `\\u0000${randomUUID()}/`;
  readonly #strings: LongString[] = [];
  #reading: Reading | undefined;

  constructor(place: Pick<BodyPlace, 'read'>) {
    this.#place = place;
  }

  /** The exact text of a body without its long strings. @throws `DamagedStoreError` */
  async body(hash: string): Promise<string> {
    const hollow = new HollowText(() => undefined);
    for await (const piece of readPieces(this.#place, hash)) hollow.push(piece);
    const text = hollow.replaceStandIns(hollow.skeleton().toString(), (number) => {
      this.#strings.push({ hash, number });
      return `"${this.#mark}${this.#strings.length - 1}"`;
    });
    return text.startsWith('{') ? this.#withColumns(text) : text;
  }

  /** The bytes of a text that was made of such bodies, with the strings in their places. */
  async *bytes(text: string): AsyncGenerator<Buffer> {
    // Every other part is the number of a string.
    const parts = text.split(new RegExp(`${this.#mark.replace('\\', '\\\\')}(\\d+)`));
    for (const [i, part] of parts.entries()) {
      if (i % 2 === 0) yield Buffer.from(part);
      else yield* this.#spelled(Number(part));
    }
  }

  /** The digest by which an import knows a text that was made of such bodies. */
  async digest(text: string): Promise<string> {
    const digest = new TextDigest();
    for await (const bytes of this.bytes(wellFormedJson(text))) digest.add(bytes);
    return digest.result();
  }

  async #withColumns(text: string): Promise<string> {
    const changes: Record<string, string> = {};
    for (const { key, value } of objectMembers(text)) {
      if (!COLUMNS.includes(key) || !value.startsWith(`"${this.#mark}`)) continue;
      const pieces: Buffer[] = [];
      for await (const bytes of this.bytes(value)) pieces.push(bytes);
      changes[key] = Buffer.concat(pieces).toString();
    }
    return patchObject(text, changes);
  }

  /** A string as it goes out, without its quotes. */
  async *#spelled(index: number): AsyncGenerator<Buffer> {
    const { hash, number } = this.#strings[index] as LongString;
    for await (const bytes of this.#segments(hash, number)) {
      const text = bytes.toString();
      const formed = wellFormedJson(text);
      yield formed === text ? bytes : Buffer.from(formed);
    }
  }

  /** Strings mostly go out in the order in which they stand: the body is read once more, then. */
  async *#segments(hash: string, number: number): AsyncGenerator<Buffer> {
    let reading = this.#reading;
    if (reading?.hash !== hash || reading.number >= number) {
      const segments = longStrings(this.#place, hash);
      reading = this.#reading = { hash, segments, held: undefined, number: -1 };
    }
    for (;;) {
      const segment = reading.held ?? (await reading.segments.next()).value;
      reading.held = undefined;
      if (segment?.number === number) yield segment.bytes;
      if (segment && segment.number <= number) continue;
      reading.held = segment;
      reading.number = number;
      return;
    }
  }
}

async function* longStrings(
  place: Pick<BodyPlace, 'read'>,
  hash: string,
): AsyncGenerator<Segment, undefined> {
  let found: Segment[] = [];
  const hollow = new HollowText((number, bytes) => {
    found.push({ number, bytes });
  });
  for await (const piece of readPieces(place, hash)) {
    hollow.push(piece);
    yield* found;
    found = [];
  }
  return undefined;
}
