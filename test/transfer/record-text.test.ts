import fc from 'fast-check';
import { expect, it } from 'vitest';
import { minifyJson } from '../../src/model/json-text.ts';
import { wellFormedJson } from '../../src/transfer/export/record-text.ts';

it('replaces exactly what toWellFormed replaces, and nothing else', () => {
  const unit = fc.oneof(
    fc.integer({ min: 0xd7ff, max: 0xe000 }).map((code) => String.fromCharCode(code)),
    fc.constantFrom('\\', '"', 'u', 'd83d', '🐳', 'a', '\u0000', '\\ud83d'),
  );
  fc.assert(
    fc.property(
      fc.array(unit).map((units) => units.join('')),
      (text) => {
        const json = wellFormedJson(JSON.stringify({ text }));
        expect(JSON.parse(json)).toEqual({ text: text.toWellFormed() });
        expect(minifyJson(json)).toBe(json);
      },
    ),
    { numRuns: 1000 },
  );
  const escaped = '{"a":"\\ud83d\\udc33\\\\ud83d \\u00e9"}';
  expect(wellFormedJson(escaped)).toBe(escaped);
});
