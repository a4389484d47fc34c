import { stringTokenEnd } from './json-text.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * Lays a JSON text out as the old program writes its record files: two spaces a level, empty lists
 * and objects closed at once, no final newline. No token changes its spelling.
 *
 * @param raw - a minified text, as `minifyJson` returns it
 */
export function prettyJson(raw: string): string {
  const parts: string[] = [];
  let depth = 0;
  let copied = 0;
  const breakLine = (at: number) => {
    parts.push(raw.slice(copied, at), '\n', '  '.repeat(depth));
    copied = at;
  };
  for (let i = 0; i < raw.length; i++) {
    switch (raw.charCodeAt(i)) {
      case QUOTE:
        i = stringTokenEnd(raw, i) - 1;
        break;
      case OPEN_LIST:
      case OPEN_OBJECT:
        if (isClose(raw.charCodeAt(i + 1))) i++;
        else {
          depth++;
          breakLine(i + 1);
        }
        break;
      case CLOSE_LIST:
      case CLOSE_OBJECT:
        depth--;
        breakLine(i);
        break;
      case COMMA:
        breakLine(i + 1);
        break;
      case COLON:
        parts.push(raw.slice(copied, i + 1), ' ');
        copied = i + 1;
    }
  }
  parts.push(raw.slice(copied));
  return parts.join('');
}

function isClose(c: number): boolean {
  return c === CLOSE_LIST || c === CLOSE_OBJECT;
}
