/** A longer string is taken out of its text, in bytes. */
const LONG_BYTES = 1 << 16;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;
/**
 * Begins each stand-in, before its number. A string that begins so by itself is taken out, too: no
 * other escape spells this character.
 */
const MARK = '\\u0000';
const MARK_BYTES = Buffer.from(MARK);
/** An escaped surrogate pair: the longest run of bytes that a cut must not divide. */
const PAIR_BYTES = 12;

/**
 * Takes the long strings out of a JSON text that comes in pieces, so that a text of a hundred
 * megabytes is never in memory as a whole. What is left, its skeleton, has a stand-in for each.
 *
 * It only looks for where strings end: whether the rest is JSON, the reader of the skeleton tells.
 */
export class HollowText {
  readonly #take: (number: number, segment: Buffer) => void;
  readonly #skeleton: Buffer[] = [];
  /** What came of the string that is open at the end of the last piece, without its quote. */
  #open: { parts: Buffer[]; length: number; escaping: boolean; isLong: boolean } | undefined;
  #count = 0;

  /**
   * @param take - gets each long string, as it is spelled, in segments that cut no character and no
   *   escape; strings are numbered from 0
   */
  constructor(take: (number: number, segment: Buffer) => void) {
    this.#take = take;
  }

  /** Takes the next piece, valid UTF-8 together with the others, and keeps it or a part of it. */
  push(bytes: Buffer): void {
    let from = 0;
    if (this.#open) {
      const { escaping } = this.#open;
      const close = closingQuote(bytes, 0, escaping);
      this.#grow(bytes.subarray(0, close.at), close.escaping);
      if (!close.found) return;
      this.#finish();
      from = close.at + 1;
    }
    for (let i = from; ;) {
      const quote = bytes.indexOf(QUOTE, i);
      if (quote < 0) break;
      const close = closingQuote(bytes, quote + 1, false);
      i = close.at + 1;
      const isShort = close.found && close.at - quote <= LONG_BYTES;
      if (isShort && !isMarked(bytes, quote + 1)) continue;
      this.#keep(bytes.subarray(from, quote), bytes);
      this.#open = { parts: [], length: 0, escaping: false, isLong: false };
      this.#grow(bytes.subarray(quote + 1, close.at), close.escaping);
      if (!close.found) return;
      this.#finish();
      from = i;
    }
    this.#keep(bytes.subarray(from), bytes);
  }

  /** The skeleton, in UTF-8. @throws `SyntaxError` a string has no end */
  skeleton(): Buffer {
    if (this.#open) throw new SyntaxError('a string has no end');
    return Buffer.concat(this.#skeleton);
  }

  /** Ends a text of which no more is read: a long string ends where it was cut, a short one is left out. */
  cut(): void {
    if (this.#open?.isLong) this.#standIn();
    this.#open = undefined;
  }

  /** Whether a key is among the strings that were taken out. */
  hasLongKey(skeleton: string): boolean {
    return this.#count > 0 && /(?<!\\)"\\u0000\d+"\s*:/.test(skeleton);
  }

  /** The skeleton with something in the place of each stand-in and its quotes. */
  replaceStandIns(skeleton: string, replacement: (number: number) => string): string {
    return standInParts(skeleton)
      .map((part, i) => (i % 2 === 0 ? part : replacement(Number(part))))
      .join('');
  }

  /** Which string a value stands for; undefined when it is itself. */
  numberOf(value: string): number | undefined {
    return value.startsWith('\0') ? Number(value.slice(1)) : undefined;
  }

  get count(): number {
    return this.#count;
  }

  #grow(bytes: Buffer, escaping: boolean): void {
    const open = this.#open;
    if (!open) return;
    open.parts.push(bytes);
    open.length += bytes.length;
    open.escaping = escaping;
    open.isLong ||= open.length > LONG_BYTES;
    if (!open.isLong) return;
    const known = Buffer.concat(open.parts);
    const end = segmentEnd(known);
    this.#take(this.#count, known.subarray(0, end));
    open.parts = [known.subarray(end)];
  }

  #finish(): void {
    const { parts, isLong } = this.#open ?? { parts: [], isLong: false };
    this.#open = undefined;
    const text = isLong ? undefined : Buffer.concat(parts);
    if (!text || isMarked(text, 0)) {
      for (const rest of text ? [text] : parts) this.#take(this.#count, rest);
      this.#standIn();
      return;
    }
    const quote = Buffer.of(QUOTE);
    this.#skeleton.push(quote, text, quote);
  }

  #standIn(): void {
    this.#skeleton.push(Buffer.from(`"${MARK}${this.#count++}"`));
  }

  /** A copy of a small part: a view would keep all of the piece in memory. */
  #keep(part: Buffer, piece: Buffer): void {
    this.#skeleton.push(part.length * 2 < piece.length ? Buffer.from(part) : part);
  }
}

/** What stands between the stand-ins of a skeleton; every other part is the number of one. */
export function standInParts(skeleton: string): string[] {
  // A quote after a backslash begins no string.
  return skeleton.split(/(?<!\\)"\\u0000(\d+)"/);
}

/** The value of a JSON text that comes in pieces: what `JSON.parse` makes of the whole. */
export class HollowJson {
  readonly #text: HollowText;
  readonly #strings: string[] = [];

  /** @param lengthMax - of a long string no more than about so much is kept, in UTF-16 units */
  constructor(lengthMax = Infinity) {
    this.#text = new HollowText((number, segment) => {
      const known = this.#strings[number] ?? '';
      this.#strings[number] = known.length < lengthMax ? known + decode(segment) : known;
    });
  }

  push(bytes: Buffer): void {
    this.#text.push(bytes);
  }

  /** @throws `SyntaxError` it is no JSON */
  value(): unknown {
    return this.#parse(this.#text.skeleton().toString());
  }

  /** The value of a text of which only the beginning came: without what was cut in the middle. */
  beginning(): unknown {
    this.#text.cut();
    return this.#parse(closeJson(this.#text.skeleton().toString()));
  }

  #parse(skeleton: string): unknown {
    if (!this.#text.hasLongKey(skeleton)) return this.#filled(JSON.parse(skeleton));
    const text = (number: number) => JSON.stringify(this.#strings[number]);
    return JSON.parse(this.#text.replaceStandIns(skeleton, text));
  }

  #filled(value: unknown): unknown {
    if (typeof value === 'string') {
      const number = this.#text.numberOf(value);
      return number === undefined ? value : this.#strings[number];
    }
    if (this.#text.count === 0 || typeof value !== 'object' || value === null) return value;
    for (const [key, member] of Object.entries(value)) {
      const filled = this.#filled(member);
      // Not an assignment: a key may be `__proto__`.
      if (filled !== member) Object.defineProperty(value, key, { value: filled });
    }
    return value;
  }
}

function isMarked(bytes: Buffer, at: number): boolean {
  return bytes[at] === BACKSLASH && bytes.subarray(at, at + MARK.length).equals(MARK_BYTES);
}

/** Where the string ends that goes on at `from`; `escaping`: its last byte so far begins an escape. */
function closingQuote(
  bytes: Buffer,
  from: number,
  escaping: boolean,
): { found: boolean; at: number; escaping: boolean } {
  const start = escaping ? from + 1 : from;
  for (let at = bytes.indexOf(QUOTE, start); at >= 0; at = bytes.indexOf(QUOTE, at + 1)) {
    if (!endsInEscape(bytes, start, at)) return { found: true, at, escaping: false };
  }
  const end = bytes.length;
  return { found: false, at: end, escaping: start > end ? true : endsInEscape(bytes, start, end) };
}

/** Whether an odd number of backslashes stands before `end`. */
function endsInEscape(bytes: Buffer, start: number, end: number): boolean {
  let slash = end;
  while (slash > start && bytes[slash - 1] === BACKSLASH) slash--;
  return (end - slash) % 2 === 1;
}

/** How much of an open string can be read by itself: no character and no escape is cut. */
function segmentEnd(bytes: Buffer): number {
  const end = characterEnd(bytes);
  let i = Math.max(0, end - 2 * PAIR_BYTES);
  if (endsInEscape(bytes, 0, i)) i++;
  while (i < end) {
    if (bytes[i] !== BACKSLASH) {
      i++;
      continue;
    }
    const length = bytes[i + 1] === LETTER_U ? 6 : 2;
    if (i + length > end) return i;
    const isHalf = length === 6 && /^\\u[dD][89abAB]/.test(bytes.toString('latin1', i, i + 4));
    if (isHalf && i + PAIR_BYTES > end) return i;
    i += length;
  }
  return end;
}

/** The place after the last whole character. */
function characterEnd(bytes: Buffer): number {
  let lead = bytes.length - 1;
  while (lead >= 0 && bytes.length - lead < 4 && ((bytes[lead] as number) & 0xc0) === 0x80) lead--;
  const first = bytes[lead] ?? 0;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  return lead + length > bytes.length ? lead : bytes.length;
}

function decode(segment: Buffer): string {
  const text = segment.toString();
  return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text;
}

const TOKEN = /\s*("[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s"{}[\],:]+(?=[\s{}[\],:]))/y;

/** The beginning of a JSON text made whole: what was cut in the middle is left out. */
export function closeJson(text: string): string {
  const closers: string[] = [];
  let isKey = false;
  let end = 0;
  TOKEN.lastIndex = 0;
  for (let token = TOKEN.exec(text)?.[1]; token !== undefined; token = TOKEN.exec(text)?.[1]) {
    const isName = isKey && token.startsWith('"');
    if (token === '{' || token === '[') closers.push(token === '{' ? '}' : ']');
    if (token === '}' || token === ']') closers.pop();
    isKey = token === '{' || (token === ',' && closers.at(-1) === '}');
    // After these something is due.
    if (!isName && token !== ',' && token !== ':') end = TOKEN.lastIndex;
  }
  return end === 0 ? 'null' : text.slice(0, end) + closers.reverse().join('');
}
