import { KeyStack } from './json-key-stack.ts';

/** Why a text is not taken as JSON; the words an import reports. */
export type JsonTextReason =
  'malformed_json' | 'truncated_json' | 'duplicate_key' | 'lone_surrogate' | 'too_deep';

/** The text is no JSON that every reader of it would understand alike. */
export class JsonTextError extends Error {
  override readonly name = 'JsonTextError';
  readonly reason: JsonTextReason;
  /** Where in the text, in bytes of its UTF-8. */
  readonly offset: number;

  constructor(reason: JsonTextReason, offset: number) {
    super(`${reason} at offset ${offset}`);
    this.reason = reason;
    this.offset = offset;
  }
}

const DEPTH_MAX = 128;
/** Scratch memory above this size is not kept, in bytes. */
const SCRATCH_KEPT = 4 * 1024 * 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const MINUS = 0x2d;
const DOT = 0x2e;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const LETTER_U = 0x75;
const HEX_DIGITS = Buffer.from('0123456789abcdefABCDEF');

// What may come next, at the current place.
const VALUE = 0;
const VALUE_OR_CLOSE = 1;
const KEY = 2;
const KEY_OR_CLOSE = 3;
const AFTER_VALUE = 4;

const LITERALS = new Map([
  [0x74, Buffer.from('true')],
  [0x66, Buffer.from('false')],
  [0x6e, Buffer.from('null')],
]);

/** The characters after a backslash: " \\ / b f n r t */
const SHORT_ESCAPES = new Set([QUOTE, BACKSLASH, 0x2f, 0x62, 0x66, 0x6e, 0x72, 0x74]);

/** What a scan found. */
export interface Scan {
  /** Bytes of white space. */
  removed: number;
  oddNumbers: boolean;
  /** To be called once, and before the next scan, which uses the same scratch memory. */
  text: () => string;
}

/**
 * Checks a JSON text and finds its insignificant white space, in one pass and without recursion.
 *
 * @param bytes - valid UTF-8; not changed
 * @throws `JsonTextError`
 */
export function scan(bytes: Buffer): Scan {
  const length = bytes.length;
  let oddNumbers = false;
  const keys = new KeyStack(bytes);
  /** True for an object, false for a list. */
  const stack: boolean[] = [];
  let inObject = false;
  let copied = 0; // bytes up to here are in the scratch memory, or were white space
  let removed = 0;
  let i = 0;
  let next = VALUE;
  for (;;) {
    if (i >= length) break;
    let c = bytes[i] as number;
    if (c <= 0x20) {
      const from = i;
      i = spaceEnd(bytes, i);
      if (removed === 0) reserve(length);
      copyBytes(bytes, copied, from, copied - removed);
      copied = i;
      removed += i - from;
      if (i >= length) break;
      c = bytes[i] as number;
    }
    if (next === AFTER_VALUE) {
      if (stack.length === 0) fail('malformed_json', i);
      if (c === COMMA) {
        i++;
        next = inObject ? KEY : VALUE;
        continue;
      }
      if (c !== (inObject ? CLOSE_OBJECT : CLOSE_LIST)) fail('malformed_json', i);
    } else if (next === KEY || (next === KEY_OR_CLOSE && c !== CLOSE_OBJECT)) {
      if (c !== QUOTE) fail('malformed_json', i);
      const end = stringEnd(bytes, i + 1);
      if (!keys.add(i + 1, end - 1)) fail('duplicate_key', i);
      i = end;
      next = COLON;
      continue;
    } else if (next === COLON) {
      if (c !== COLON) fail('malformed_json', i);
      i++;
      next = VALUE;
      continue;
    }
    if (c === QUOTE) {
      i = stringEnd(bytes, i + 1);
    } else if (c === OPEN_OBJECT || c === OPEN_LIST) {
      if (stack.length === DEPTH_MAX) fail('too_deep', i);
      inObject = c === OPEN_OBJECT;
      stack.push(inObject);
      if (inObject) keys.open();
      i++;
      next = inObject ? KEY_OR_CLOSE : VALUE_OR_CLOSE;
      continue;
    } else if (c === CLOSE_OBJECT || c === CLOSE_LIST) {
      // The right bracket after a value was let through above; where a value is due, it is wrong.
      if (next === VALUE || c !== (inObject ? CLOSE_OBJECT : CLOSE_LIST)) fail('malformed_json', i);
      if (inObject) keys.close();
      stack.pop();
      inObject = stack.length > 0 && stack[stack.length - 1] === true;
      i++;
    } else if (c === MINUS || (c >= 0x30 && c <= 0x39)) {
      const end = numberEnd(bytes, i);
      if (end < 0 || end - i > 15) oddNumbers = true;
      i = Math.abs(end);
    } else {
      i = wordEnd(bytes, i, c);
    }
    next = AFTER_VALUE;
  }
  if (next !== AFTER_VALUE || stack.length > 0) fail('truncated_json', length);
  if (removed === 0) return { removed, oddNumbers, text: () => bytes.toString() };
  copyBytes(bytes, copied, length, copied - removed);
  const text = () => {
    const whole = scratch.toString('utf8', 0, length - removed);
    if (scratch.length > SCRATCH_KEPT) scratch = Buffer.alloc(0);
    return whole;
  };
  return { removed, oddNumbers, text };
}

/** Where a text is put together without its white space; kept, because most texts are small. */
let scratch = Buffer.alloc(0);

function reserve(length: number): void {
  if (scratch.length < length || scratch.length > SCRATCH_KEPT) {
    scratch = Buffer.allocUnsafe(Math.max(length, 65_536));
  }
}

function copyBytes(bytes: Buffer, from: number, to: number, target: number): void {
  if (to - from > 96) bytes.copy(scratch, target, from, to);
  else for (let i = from; i < to; i++) scratch[target++] = bytes[i] as number;
}

function fail(reason: JsonTextReason, offset: number): never {
  throw new JsonTextError(reason, offset);
}

/** The place after the closing quote of the string whose content begins at `i`. */
function stringEnd(bytes: Buffer, i: number): number {
  const length = bytes.length;
  while (i < length) {
    const c = bytes[i] as number;
    if (c === QUOTE) return i + 1;
    if (c === BACKSLASH) i = escapeEnd(bytes, i);
    else if (c >= 0x20) i++;
    else fail('malformed_json', i);
  }
  return fail('truncated_json', length);
}

/** Checks what stands between the quotes of a string. @throws `JsonTextError` */
export function checkStringContent(bytes: Buffer): void {
  for (let i = 0; i < bytes.length;) {
    const c = bytes[i] as number;
    if (c === BACKSLASH) i = escapeEnd(bytes, i);
    else if (c >= 0x20) i++;
    else fail('malformed_json', i);
  }
}

/** The place after the escape that begins at `i`; a surrogate pair counts as one. */
function escapeEnd(bytes: Buffer, i: number): number {
  if (i + 1 >= bytes.length) fail('truncated_json', bytes.length);
  const c = bytes[i + 1] as number;
  if (c !== LETTER_U) {
    if (!SHORT_ESCAPES.has(c)) fail('malformed_json', i);
    return i + 2;
  }
  const unit = hexUnit(bytes, i + 2);
  if ((unit & 0xf800) !== 0xd800) return i + 6;
  if (unit >= 0xdc00) fail('lone_surrogate', i);
  if (i + 7 >= bytes.length) fail('truncated_json', bytes.length);
  if (bytes[i + 6] !== BACKSLASH || bytes[i + 7] !== LETTER_U) fail('lone_surrogate', i);
  if ((hexUnit(bytes, i + 8) & 0xfc00) !== 0xdc00) fail('lone_surrogate', i);
  return i + 12;
}

function hexUnit(bytes: Buffer, from: number): number {
  let unit = 0;
  for (let i = from; i < from + 4; i++) {
    if (i >= bytes.length) fail('truncated_json', bytes.length);
    const digit = HEX_DIGITS.indexOf(bytes[i] as number);
    if (digit < 0) fail('malformed_json', i);
    unit = unit * 16 + (digit < 16 ? digit : digit - 6);
  }
  return unit;
}

/** The place after the white space that begins at `i`. */
function spaceEnd(bytes: Buffer, i: number): number {
  for (const length = bytes.length; i < length; i++) {
    const c = bytes[i] as number;
    if (c > 0x20) return i;
    if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) fail('malformed_json', i);
  }
  return i;
}

/** The place after the number that begins at `i`, negative when it has a fraction or an exponent. */
function numberEnd(bytes: Buffer, i: number): number {
  let odd = false;
  if (bytes[i] === MINUS) i++;
  i = bytes[i] === 0x30 ? i + 1 : digitsEnd(bytes, i);
  if (bytes[i] === DOT) {
    odd = true;
    i = digitsEnd(bytes, i + 1);
  }
  if (bytes[i] === 0x65 || bytes[i] === 0x45) {
    odd = true;
    const sign = bytes[i + 1];
    i = digitsEnd(bytes, sign === MINUS || sign === 0x2b ? i + 2 : i + 1);
  }
  return odd ? -i : i;
}

function digitsEnd(bytes: Buffer, from: number): number {
  let i = from;
  for (const length = bytes.length; i < length; i++) {
    const c = bytes[i] as number;
    if (c < 0x30 || c > 0x39) break;
  }
  if (i === from) fail(i >= bytes.length ? 'truncated_json' : 'malformed_json', i);
  return i;
}

/** The place after the `true`, `false` or `null` that begins at `i` with `c`. */
function wordEnd(bytes: Buffer, i: number, c: number): number {
  const word = LITERALS.get(c) ?? fail('malformed_json', i);
  for (let k = 1; k < word.length; k++) {
    if (i + k >= bytes.length) fail('truncated_json', bytes.length);
    if (bytes[i + k] !== word[k]) fail('malformed_json', i);
  }
  return i + word.length;
}
