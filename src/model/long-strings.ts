import { standInParts } from './hollow-json.ts';
import { SLICE_UNITS, textSlices } from './text-slices.ts';

/**
 * The long strings of a JSON text of which only the bytes are in memory: what is worked with is its
 * skeleton (see `HollowText`), a small text with stand-ins. Any text that is made of parts of the
 * skeleton, values as they are spelled, becomes whole here.
 */
export class LongStrings {
  readonly #bytes: Buffer;
  /** Where each begins and ends, without its quotes. */
  readonly #spans: readonly (readonly [number, number])[];

  /** @param lengths - of the long strings, in bytes, as `HollowText` gave them */
  constructor(bytes: Buffer, skeleton: Buffer, lengths: readonly number[]) {
    this.#bytes = bytes;
    const spans: (readonly [number, number])[] = [];
    let at = 0;
    // As Latin-1 one unit is one byte.
    for (const [i, part] of standInParts(skeleton.toString('latin1')).entries()) {
      if (i % 2 === 0) at += part.length;
      else {
        const end = at + 1 + (lengths[Number(part)] ?? 0);
        spans.push([at + 1, end]);
        at = end + 1;
      }
    }
    this.#spans = spans;
  }

  /** Whether a text has stand-ins. */
  standIn(text: string): boolean {
    return standInParts(text).length > 1;
  }

  /** Whether a text is large because of its strings, so that it is better not made as one. */
  isLarge(text: string): boolean {
    let size = 0;
    for (const [i, part] of standInParts(text).entries()) {
      const [from, to] = this.#spans[Number(part)] ?? [0, 0];
      size += i % 2 === 0 ? 0 : to - from;
    }
    return size > SLICE_UNITS;
  }

  /** A text with the strings in the place of their stand-ins. No slice ends inside a surrogate pair. */
  *slices(text: string): Generator<string> {
    for (const [i, part] of standInParts(text).entries()) {
      if (i % 2 === 0) yield* textSlices(part);
      else {
        yield '"';
        yield* this.#spelled(Number(part));
        yield '"';
      }
    }
  }

  /** As {@link slices}, in one. */
  whole(text: string): string {
    return [...this.slices(text)].join('');
  }

  /**
   * Puts the strings in the place of their stand-ins in a parsed value. Each is made when it is asked
   * for: most of them nobody asks for.
   */
  fill(value: object): void {
    for (const [key, member] of Object.entries(value)) {
      if (typeof member === 'object' && member !== null) this.fill(member as object);
      else if (typeof member === 'string' && member.startsWith('\0')) {
        const number = Number(member.slice(1));
        const get = () => JSON.parse(`"${[...this.#spelled(number)].join('')}"`) as string;
        Object.defineProperty(value, key, { get, enumerable: true });
      }
    }
  }

  *#spelled(number: number): Generator<string> {
    const [from, to] = this.#spans[number] ?? [0, 0];
    for (let at = from; at < to;) {
      let end = Math.min(at + SLICE_UNITS, to);
      while (end < to && isContinuation(this.#bytes[end])) end--;
      yield this.#bytes.toString('utf8', at, end);
      at = end;
    }
  }
}

/** A byte inside a character. */
function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
