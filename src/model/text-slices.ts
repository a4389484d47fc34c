/** The longest slice, in UTF-16 units. */
export const SLICE_UNITS = 1 << 16;
/** The most bytes of a slice: a control character becomes the six of `\u0000`. */
export const SLICE_BYTES_MAX = 6 * SLICE_UNITS;

/** A text in slices that never cut a surrogate pair: each becomes the UTF-8 that it is in the whole. */
export function* textSlices(text: string): Generator<string> {
  for (let start = 0; start < text.length;) {
    let end = Math.min(start + SLICE_UNITS, text.length);
    if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end--;
    yield text.slice(start, end);
    start = end;
  }
}

/** The JSON text of a string in slices, together what `JSON.stringify` makes of it. */
export function* jsonStringSlices(value: string): Generator<string> {
  yield '"';
  for (const slice of textSlices(value)) yield JSON.stringify(slice).slice(1, -1);
  yield '"';
}

function isHighSurrogate(unit: number): boolean {
  return (unit & 0xfc00) === 0xd800;
}
