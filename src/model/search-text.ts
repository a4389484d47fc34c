/**
 * What goes into the full-text index, and how a person's query becomes an FTS5 expression.
 *
 * The table is `fts5(text, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics
 * 2')`. That tokenizer takes a whole sentence of Chinese, Japanese or Thai for one word, so runs of
 * scripts written without spaces are stored as overlapping pairs of characters, and the last
 * character of a run alone: "数据库" becomes "数据 据库 库". Each character then begins exactly one
 * term, so that one character is searched as a prefix and a longer word as a phrase of pairs.
 *
 * Measured on SQLite 3.45.1, 6,000 messages of 250 to 350 bytes per language: without pairs 0 to 3 %
 * of Chinese and Japanese and 5 to 47 % of Korean words were found, with pairs all of them and
 * nothing else. Trigram finds nothing below three characters, and its file is 1.6 times as large
 * for CJK text and 5 times for English. The price of pairs: 23k to 28k rows/s instead of 60k to 80k
 * for CJK text, 1.8 bytes of index per byte instead of 0.7. English is as before.
 */

import { withoutEscapes } from './escape-sequences.ts';

/**
 * Scripts written without spaces, and Hangul, whose particles stick to the word. Fixed blocks, not
 * `\p{Script}`: with a newer Unicode, a later Node must not split a query unlike the old index.
 */
const RUN_CHAR =
  '\\u0e01-\\u0e3a\\u0e40-\\u0e4e\\u0e81-\\u0ece\\u0edc-\\u0edf\\u1000-\\u103f\\u1050-\\u1097' +
  '\\u1780-\\u17d3\\u3005-\\u3007\\u303b\\u3041-\\u3096\\u309d-\\u309f\\u30a1-\\u30fa\\u30fc-\\u30ff' +
  '\\u3105-\\u312f\\u31a0-\\u31bf\\u31f0-\\u31ff\\u3400-\\u4dbf\\u4e00-\\u9fff\\uac00-\\ud7a3' +
  '\\uf900-\\ufaff\\u{1b000}-\\u{1b167}\\u{20000}-\\u{3fffd}';
/** Marks are no part of a term for the tokenizer, zero-width characters are invisible. */
const IGNORED_CHAR = '\\p{M}\\u200b-\\u200d\\u2060';
const IGNORED = new RegExp(`[${IGNORED_CHAR}]+`, 'gu');
const RUN = new RegExp(`[${RUN_CHAR}][${RUN_CHAR}${IGNORED_CHAR}]*`, 'gu');
const RUN_AT_END = new RegExp(`[${RUN_CHAR}]+$`, 'u');
const RUN_ONLY = new RegExp(`^[${RUN_CHAR}]$`, 'u');

const NOT_ASCII = /[^\0-\x7f]/;
const SEARCHABLE = /[\p{L}\p{N}\p{Co}]/u;
const EDGES = /^[^\p{L}\p{N}\p{Co}]+|[^\p{L}\p{N}\p{Co}\p{M}]+$/gu;
const WORD_CHAR = /[\p{L}\p{N}\p{M}\p{Co}]/u;

/** Begins the parts of names behind the text; a separator for the tokenizer. */
const PARTS_MARK = '\x1e';
const LETTERS = 'A-Za-z0-9\\u00c0-\\u00d6\\u00d8-\\u00f6\\u00f8-\\u052f\\u1e00-\\u1eff';
const NAME = new RegExp(
  `(?<![${LETTERS}])[${LETTERS}]*?(?:[a-z0-9][A-Z]|[A-Z]{2}[a-z]{2})[${LETTERS}]*`,
  'g',
);
/** Two small letters after capitals, or "URLs" would become "UR" and "Ls". */
const NAME_BREAK = /(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})/;
/** Longer words are data (base64, tokens), not names. */
const NAME_LENGTH_MAX = 64;
const QUERY_LENGTH_MAX = 1024;
const QUERY_WORDS_MAX = 32;
const CHARACTERS = new Intl.Segmenter('en', { granularity: 'grapheme' });

/**
 * The text to insert into the index for a document: normalised (NFKC, so that full-width and
 * half-width forms meet), unspaced scripts in pairs, and behind it the parts of each name written
 * in camel case, so that "user" and "getUser" find `getUserName`. Other separators (`_`, `.`, `/`)
 * are the tokenizer's own. Plain ASCII without such names is returned as it is.
 *
 * The result depends on nothing but the text, and `indexText(indexText(t))` is `indexText(t)`.
 */
export function indexText(text: string): string {
  const mark = text.lastIndexOf(PARTS_MARK);
  if (mark >= 0) {
    // Already indexed text is recognised by computing its parts again, never by the mark alone: a
    // document may contain that character too.
    const body = pairs(text.slice(0, mark));
    if (nameParts(body) === text.slice(mark)) return body + text.slice(mark);
  }
  const body = pairs(text);
  return body + nameParts(body);
}

function nameParts(text: string): string {
  let out = '';
  for (const name of new Set(text.match(NAME))) {
    if (name.length <= NAME_LENGTH_MAX) out += ` ${name.split(NAME_BREAK).join(' ')}`;
  }
  return out && PARTS_MARK + out;
}

/** Normalises, and splits each run into pairs plus its last character. */
function pairs(text: string): string {
  if (!NOT_ASCII.test(text)) return text;
  return text.normalize('NFKC').replace(RUN, (run, at: number, whole: string) => {
    const chars = Array.from(run.replace(IGNORED, ''));
    const last = chars.at(-1) ?? '';
    const end = at + run.length;
    let out = at === 0 || whole[at - 1] === ' ' ? '' : ' ';
    for (let i = 0; i + 1 < chars.length; i++) out += `${chars[i] ?? ''}${chars[i + 1] ?? ''} `;
    // Already split text has the last character next; this is what makes a second pass harmless.
    const isNext = chars.length > 1 && whole.startsWith(` ${last}`, end);
    out = isNext ? out.slice(0, -1) : out + last;
    return end === whole.length || whole[end] === ' ' ? out : `${out} `;
  });
}

interface Term {
  /** Normalised, without quotes; at least one character the tokenizer keeps. */
  readonly text: string;
  readonly isPrefix: boolean;
}

/**
 * An FTS5 expression for whatever a person typed, or null when nothing in it can be searched.
 *
 * Words are AND-ed; "quoted words" must stand side by side; a trailing `*` searches the beginning
 * of a word. Everything else is text: there are no operators, so no input is a syntax error. Only
 * the first 1,024 characters and 32 words count.
 */
export function matchQuery(query: string): string | null {
  const terms = parseQuery(query);
  return terms.length === 0 ? null : terms.map(expressionOf).join(' AND ');
}

function parseQuery(query: string): Term[] {
  const isCut = query.length > QUERY_LENGTH_MAX;
  const text = query
    .slice(0, QUERY_LENGTH_MAX)
    .replace(/\p{Cc}/gu, ' ')
    .normalize('NFKC')
    .replace(/[“”„«»]/g, '"');
  const terms = new Map<string, Term>();
  for (const found of text.matchAll(/"([^"]*)(?:"|$)(\*?)|[^\s"]+/g)) {
    const [whole, quoted, star] = found;
    const raw = quoted ?? whole;
    const word = raw.replace(EDGES, '');
    if (!SEARCHABLE.test(word)) continue;
    // Where the length limit cut a word in two, its first half is all there is to search for.
    const isLast = isCut && found.index + whole.length === text.length;
    const isPrefix = isLast || star === '*' || (quoted === undefined && raw.endsWith('*'));
    terms.set(`${word}\n${isPrefix}`, { text: word, isPrefix });
  }
  return [...terms.values()].slice(0, QUERY_WORDS_MAX);
}

function expressionOf({ text, isPrefix }: Term): string {
  const runLength = Array.from(RUN_AT_END.exec(text.replace(IGNORED, ''))?.[0] ?? '').length;
  let words = pairs(text);
  // The pairs overlap into whatever follows in the document, so the last character alone must not
  // be asked for; where it is all there is, it begins a pair.
  if (runLength > 1) words = words.slice(0, words.lastIndexOf(' '));
  const whole = `"${words}"${isPrefix || runLength === 1 ? ' *' : ''}`;
  const parts = words.match(NAME)?.[0] === words ? words.split(NAME_BREAK).join(' ') : words;
  return parts === words ? whole : `(${whole} OR "${parts}"${isPrefix ? ' *' : ''})`;
}

/**
 * One line of the text around the place where most of the query's words stand together, each hit
 * between `marks`. Whitespace and control characters become single spaces, so that the result is
 * safe to print. Never cuts a character of the reader (surrogates, combining marks, joined emoji).
 * Without a hit: the beginning of the text.
 *
 * @param options.lengthMax - in UTF-16 units, the two ellipses counted, the marks not; default 160
 * @param options.marks - before and after a hit; default U+2039 and U+203A
 */
export function snippet(text: string, query: string, options: SnippetOptions = {}): string {
  const { lengthMax = 160, marks = ['\u2039', '\u203a'] } = options;
  const flat = withoutEscapes(text.toWellFormed())
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
  const room = flat.length <= lengthMax ? flat.length : Math.max(0, lengthMax - 2);
  const hits = findHits(flat, parseQuery(query));
  const { from, to } = wholeCharacters(flat, bestWindow(hits, room, flat.length), room);

  let out = from > 0 ? '…' : '';
  let at = from;
  for (const { start, end } of hits) {
    // A word cut by the end of the line is no hit to show, unless it is all there is.
    if (start < at || start >= to || (end > to && at > from)) continue;
    const stop = Math.min(end, to);
    out += flat.slice(at, start) + marks[0] + flat.slice(start, stop) + marks[1];
    at = stop;
  }
  return out + flat.slice(at, to) + (to < flat.length ? '…' : '');
}

export interface SnippetOptions {
  readonly lengthMax?: number;
  readonly marks?: readonly [before: string, after: string];
}

interface Hit {
  readonly start: number;
  readonly end: number;
  readonly term: number;
}

/** All places of the terms in `flat`, by position; the same letters the index would compare. */
function findHits(flat: string, terms: readonly Term[]): Hit[] {
  const { folded, starts } = fold(flat);
  const hits: Hit[] = [];
  for (const [term, { text, isPrefix }] of terms.entries()) {
    const words = fold(text).folded.match(/[\p{L}\p{N}\p{M}\p{Co}]+/gu) ?? [];
    if (words.length === 0) continue;
    const pattern = words.join('[^\\p{L}\\p{N}]*');
    for (const found of folded.matchAll(new RegExp(pattern, 'gu'))) {
      const begin = found.index;
      const stop = begin + found[0].length;
      const [start, end] = [placeIn(starts, begin), placeIn(starts, stop)];
      // Folding can make several letters of one character: a hit must not begin or end inside.
      if (placeIn(starts, begin - 1) === start || placeIn(starts, stop - 1) === end) continue;
      if (!isBoundary(flat, start) || !(isPrefix || isBoundary(flat, end))) continue;
      hits.push({ start, end, term });
    }
  }
  return hits.sort((a, b) => a.start - b.start || b.end - a.end);
}

interface Folded {
  readonly folded: string;
  /** For each unit of it the place in the text that it comes from; undefined: its own. */
  readonly starts: readonly number[] | undefined;
}

function placeIn(starts: Folded['starts'], unit: number): number {
  return starts ? (starts[unit] ?? -1) : unit;
}

/** Lower case without accents. */
function fold(text: string): Folded {
  if (!NOT_ASCII.test(text)) return { folded: text.toLowerCase(), starts: undefined };
  const known = new Map<string, string>();
  const starts: number[] = [];
  let folded = '';
  for (const { 0: cluster, index } of text.matchAll(/[^][\p{M}\uff9e\uff9f]*/gu)) {
    let letters = known.get(cluster);
    if (letters === undefined) {
      letters = cluster
        .normalize('NFKD')
        .replace(/[\u0300-\u036f]/g, '')
        .normalize('NFKC')
        .toLowerCase();
      known.set(cluster, letters);
    }
    folded += letters;
    for (let i = 0; i < letters.length; i++) starts.push(index);
  }
  starts.push(text.length);
  return { folded, starts };
}

/** Whether a word, a part of a name, or a character of an unspaced script begins or ends at `at`. */
function isBoundary(text: string, at: number): boolean {
  const [before, after] = [text[at - 1] ?? ' ', text[at] ?? ' '];
  if (!WORD_CHAR.test(before) || !WORD_CHAR.test(after)) return true;
  if (RUN_ONLY.test(before) || RUN_ONLY.test(after)) return true;
  return text.slice(at - 1, at + 3).split(NAME_BREAK)[0]?.length === 1;
}

/** Where a window of `room` units begins that shows most different terms, then most hits. */
function bestWindow(hits: readonly Hit[], room: number, length: number): number {
  const counts = new Map<number, number>();
  let best = { score: 0, start: 0, end: 0 };
  let next = 0;
  for (const [i, { start, term }] of hits.entries()) {
    for (let hit = hits[next]; hit && (next === i || hit.end <= start + room); hit = hits[++next]) {
      counts.set(hit.term, (counts.get(hit.term) ?? 0) + 1);
    }
    const score = counts.size * (hits.length + 1) + (next - i);
    if (score > best.score) best = { score, start, end: hits[next - 1]?.end ?? start };
    const left = (counts.get(term) ?? 1) - 1;
    if (left > 0) counts.set(term, left);
    else counts.delete(term);
  }
  // A third of the spare room goes before the first hit: what follows says more.
  const lead = Math.max(0, Math.floor((room - (best.end - best.start)) / 3));
  return Math.max(0, Math.min(best.start - lead, length - room));
}

/** Moves the ends of a window inwards to where the reader sees a character begin. */
function wholeCharacters(text: string, start: number, room: number): { from: number; to: number } {
  if (!NOT_ASCII.test(text)) return { from: start, to: Math.min(start + room, text.length) };
  const characters = CHARACTERS.segment(text);
  const first = characters.containing(start);
  const last = characters.containing(start + room);
  const isInside = first !== undefined && first.index < start;
  const from = isInside ? first.index + first.segment.length : start;
  return { from, to: Math.max(from, last?.index ?? text.length) };
}
