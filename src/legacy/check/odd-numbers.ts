import { randomUUID } from 'node:crypto';
import { stringTokenEnd } from '../../model/json-text.ts';

// The value of `2.0` is that of `2`, and 18446744073709551616 is read as 18446744073709551615, so
// a parsed value cannot say whether an integer was spelled as one. Texts that have such numbers are
// checked a second time, in a form in which each of them is a string with this mark before it.
const MARK = `number-${randomUUID()}:`;
let marked = false;

/** No check for which the spelling of numbers matters looks into a text that is longer. */
const LONG = 256;

/**
 * Reads a minified text with its odd numbers marked and its long strings cut, which makes the
 * second reading cheap, and calls `check` with what it read.
 */
export function withOddNumbersMarked<T>(text: string, check: (value: unknown) => T): T {
  marked = true;
  try {
    return check(JSON.parse(markOddNumbers(text)));
  } finally {
    marked = false;
  }
}

export function oddNumbersAreMarked(): boolean {
  return marked;
}

export function isOddNumber(value: unknown): value is string {
  return marked && typeof value === 'string' && value.startsWith(MARK);
}

/** How a marked number is spelled. */
export function oddNumberText(value: string): string {
  return value.slice(MARK.length);
}

function markOddNumbers(text: string): string {
  const number = /-?\d[\d.eE+-]*/y;
  const parts: string[] = [];
  let copied = 0;
  for (let i = 0; i < text.length;) {
    const c = text.charCodeAt(i);
    if (c === 0x22) {
      const end = stringTokenEnd(text, i);
      if (end - i > LONG) {
        parts.push(text.slice(copied, i), '"long"');
        copied = end;
      }
      i = end;
    } else if (c === 0x2d || (c >= 0x30 && c <= 0x39)) {
      number.lastIndex = i;
      const token = number.exec(text)?.[0] ?? '-';
      if (token.length > 15 || /[.eE]/.test(token)) {
        parts.push(text.slice(copied, i), '"', MARK, token, '"');
        copied = i + token.length;
      }
      i += token.length;
    } else i++;
  }
  return parts.join('') + text.slice(copied);
}
