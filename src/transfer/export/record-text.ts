import { prettyJson } from '../../model/json-text-pretty.ts';

const ESCAPES = /\\(?:u([0-9a-fA-F]{4})|[^u])/g;
const HALF = /\\u[dD][89a-fA-F]/;

/** A record as the text of a file of the old program. */
export function recordText(raw: string): string {
  return prettyJson(wellFormedJson(raw));
}

/**
 * Half a surrogate pair, which only the library could store, becomes U+FFFD: the old program
 * refuses the whole file for one.
 */
export function wellFormedJson(raw: string): string {
  if (!HALF.test(raw)) return raw;
  const lone = new Set<number>();
  let high = -1;
  for (const { 0: escape, 1: hex, index } of raw.matchAll(ESCAPES)) {
    const unit = hex === undefined ? 0 : Number.parseInt(hex, 16);
    const isLow = unit >= 0xdc00 && unit <= 0xdfff;
    if (isLow && high >= 0 && high + escape.length === index) {
      lone.delete(high);
      high = -1;
      continue;
    }
    high = unit >= 0xd800 && unit <= 0xdbff ? index : -1;
    if (isLow || high >= 0) lone.add(index);
  }
  return raw.replace(ESCAPES, (escape, _, index: number) => (lone.has(index) ? '\\ufffd' : escape));
}
