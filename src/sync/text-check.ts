import { isUtf8 } from 'node:buffer';
import { HollowText } from '../model/hollow-json.ts';
import { JsonTextError, scan } from '../model/json-scan.ts';

/** Hashes of large bodies that are JSON of this library: what a hash stands for never changes. */
const known = new Set<string>();
const KNOWN_MAX = 1000;

export function isKnownJson(hash: string): boolean {
  return known.has(hash);
}

export function rememberJson(hash: string): void {
  if (known.size >= KNOWN_MAX) known.clear();
  known.add(hash);
}

/**
 * Checks a JSON text that comes in pieces as `scan` checks a whole one. Never says yes where that
 * says no; a text with a key of many kilobytes it leaves to that.
 */
export class TextCheck {
  #sound = true;
  readonly #text = new HollowText((_, segment) => {
    this.#sound &&= isSound(Buffer.concat([QUOTE, segment, QUOTE]));
  });

  push(bytes: Buffer): void {
    if (this.#sound) this.#text.push(bytes);
  }

  /** Whether it is sound, once all of it was pushed. */
  isJson(): boolean {
    try {
      const skeleton = this.#sound && this.#text.skeleton();
      return skeleton && isSound(skeleton) && !this.#text.hasLongKey(skeleton.toString());
    } catch (error) {
      if (error instanceof SyntaxError) return false;
      throw error;
    }
  }
}

const QUOTE = Buffer.from('"');

function isSound(bytes: Buffer): boolean {
  if (!isUtf8(bytes)) return false;
  try {
    scan(bytes);
    return true;
  } catch (error) {
    if (error instanceof JsonTextError) return false;
    throw error;
  }
}
