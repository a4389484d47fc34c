import { DamagedStoreError } from '../errors.ts';
import { decodeString } from './json-key-stack.ts';
import { JsonTextError, scan } from './json-scan.ts';

export { JsonTextError, type JsonTextReason } from './json-scan.ts';

/** A checked text, see {@link minifyJsonBytes}. */
export interface MinifiedJson {
  /** The text without insignificant white space. */
  text: string;
  /**
   * True when the value of some number may not tell its spelling: it has a fraction or an exponent
   * (`2.0` and `2` are one value), or more than 15 characters.
   */
  oddNumbers: boolean;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/** Memory above this size is not kept, in bytes. */
const INPUT_KEPT = 4 * 1024 * 1024;
/** Where a text is put to be scanned; kept, because allocating it anew would cost more than the scan. */
let input = Buffer.alloc(0);
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Removes insignificant white space from a JSON text and keeps everything else as it is: the
 * spelling of numbers and escapes, and the order of keys.
 *
 * The check is stricter than `JSON.parse`: it also refuses duplicate keys, lone surrogates and
 * nesting deeper than 128. It does not recurse.
 *
 * @returns the same string, not a copy, when there was nothing to remove
 * @throws `JsonTextError` whose `reason` says what is wrong; `truncated_json` when the text ended
 *   too early
 */
export function minifyJson(text: string): string {
  const size = Buffer.byteLength(text);
  if (input.length < size || input.length > INPUT_KEPT) {
    input = Buffer.allocUnsafe(Math.max(size, 65_536));
  }
  const bytes = input.subarray(0, input.write(text));
  if (bytes.length !== text.length && LONE_SURROGATE.test(text)) {
    throw new JsonTextError('lone_surrogate', 0);
  }
  const scanned = scan(bytes);
  return scanned.removed === 0 ? text : scanned.text();
}

/**
 * As {@link minifyJson} from UTF-8, which is faster where the text comes from a file.
 *
 * @param bytes - valid UTF-8; not changed
 * @throws `JsonTextError` as `minifyJson` does
 */
export function minifyJsonBytes(bytes: Buffer): MinifiedJson {
  const { text, oddNumbers } = scan(bytes);
  return { text: text(), oddNumbers };
}

/**
 * The members of an object, in their order.
 *
 * @param raw - a minified object, as {@link minifyJson} returns it
 * @returns decoded keys, and the text of each value
 */
export function objectMembers(raw: string): { key: string; value: string }[] {
  return memberSpans(raw).map(({ key, valueFrom, to }) => ({
    key,
    value: raw.slice(valueFrom, to),
  }));
}

/**
 * The text of each element of a list.
 *
 * @param raw - a minified list, as {@link minifyJson} returns it
 */
export function arrayElements(raw: string): string[] {
  if (raw.charCodeAt(0) !== OPEN_LIST) throw new TypeError('not the text of a JSON list');
  const elements: string[] = [];
  for (let i = 1; i < raw.length && raw.charCodeAt(i) !== CLOSE_LIST;) {
    const end = valueEnd(raw, i);
    elements.push(raw.slice(i, end));
    i = raw.charCodeAt(end) === COMMA ? end + 1 : end;
  }
  return elements;
}

/**
 * Changes top-level members of an object and keeps the rest as it is spelled.
 *
 * @param raw - a minified object
 * @param changes - the new text of a member; `undefined` removes it. Members that are new come last
 */
export function patchObject(raw: string, changes: Record<string, string | undefined>): string {
  const members: string[] = [];
  const seen = new Set<string>();
  for (const { key, from, valueFrom, to } of memberSpans(raw)) {
    if (!Object.hasOwn(changes, key)) {
      members.push(raw.slice(from, to));
      continue;
    }
    seen.add(key);
    const value = changes[key];
    if (value !== undefined) members.push(raw.slice(from, valueFrom) + value);
  }
  for (const key of Object.keys(changes)) {
    const value = changes[key];
    if (value !== undefined && !seen.has(key)) members.push(`${JSON.stringify(key)}:${value}`);
  }
  return `{${members.join(',')}}`;
}

/** The value of a JSON text. A key `__proto__` becomes an own property like any other. */
export function parseJson(raw: string): unknown {
  return JSON.parse(raw) as unknown;
}

interface MemberSpan {
  key: string;
  from: number;
  valueFrom: number;
  to: number;
}

/** Nothing of this library writes such a text, nor does an import: a device of the group made it up. */
const notAnObject = () =>
  new DamagedStoreError('the body of this record is JSON, but no object', {
    hint: 'Another device of the group wrote it so. Delete the record; the others are not touched by it.',
  });

function memberSpans(raw: string): MemberSpan[] {
  if (raw.charCodeAt(0) !== OPEN_OBJECT) throw notAnObject();
  const spans: MemberSpan[] = [];
  for (let i = 1; i < raw.length && raw.charCodeAt(i) !== CLOSE_OBJECT;) {
    const keyEnd = stringTokenEnd(raw, i);
    const to = valueEnd(raw, keyEnd + 1);
    spans.push({ key: decodeString(raw.slice(i, keyEnd)), from: i, valueFrom: keyEnd + 1, to });
    i = raw.charCodeAt(to) === COMMA ? to + 1 : to;
  }
  return spans;
}

/** The place after the value that begins at `i` of a checked, minified text. */
function valueEnd(raw: string, i: number): number {
  let depth = 0;
  do {
    const c = raw.charCodeAt(i);
    if (c === QUOTE) {
      i = stringTokenEnd(raw, i);
      continue;
    }
    if (c === OPEN_OBJECT || c === OPEN_LIST) depth++;
    else if (c === CLOSE_OBJECT || c === CLOSE_LIST) {
      if (depth === 0) return i;
      depth--;
    } else if (c === COMMA && depth === 0) return i;
    i++;
  } while (i < raw.length && (depth > 0 || !isEnd(raw.charCodeAt(i))));
  return i;
}

function isEnd(c: number): boolean {
  return c === COMMA || c === CLOSE_OBJECT || c === CLOSE_LIST;
}

/** The place after the closing quote of the string that begins at `i` of a checked text. */
export function stringTokenEnd(raw: string, i: number): number {
  for (let end = raw.indexOf('"', i + 1); end >= 0; end = raw.indexOf('"', end + 1)) {
    let slashes = 0;
    while (raw.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return end + 1;
  }
  throw new TypeError('a string has no end');
}
