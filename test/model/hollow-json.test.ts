import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HollowJson, closeJson } from '../../src/model/hollow-json.ts';
import { SLICE_UNITS, jsonStringSlices, textSlices } from '../../src/model/text-slices.ts';

const LONG = 70_000;

/** A text whose characters of every kind come to stand at every border. */
const awkward = fc
  .tuple(
    fc.array(
      fc.constantFrom('"', '\\', '\n', '\0', 'a', 'é', '文', '🐋', '\ud83d', '\udc0b', '/'),
      {
        minLength: 1,
        maxLength: 7,
      },
    ),
    fc.integer({ min: 0, max: 5 }),
    fc.boolean(),
  )
  .map(([parts, before, isLong]) => {
    const unit = parts.join('');
    return 'x'.repeat(before) + unit.repeat(isLong ? Math.ceil(LONG / unit.length) : 1);
  });

const value = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    awkward,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(null, true, '\0', '\x001', ''),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(fc.oneof(fc.constantFrom('__proto__', 'a', '\x000'), fc.string()), tie('any'), {
      maxKeys: 3,
    }),
  ),
})).any;

function pieces(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const cut: Buffer[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] as number;
    cut.push(Buffer.from(bytes.subarray(at, at + size)));
    at += size;
  }
  return cut;
}

const sizes = fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 4 });

describe('a JSON text in pieces', () => {
  it('takes no end of a string for a stand-in', () => {
    const original = { ['k'.repeat(LONG)]: 'a"\x000', 'a"\x000': 'b' };
    const json = new HollowJson();
    json.push(Buffer.from(JSON.stringify(original)));
    expect(json.value()).toEqual(original);
  });

  it('has the value that it has as a whole', () => {
    fc.assert(
      fc.property(value, sizes, fc.constantFrom(0, 1), (original, some, indent) => {
        const text = JSON.stringify(original, null, indent);
        const json = new HollowJson();
        for (const piece of pieces(Buffer.from(text), some)) json.push(piece);
        expect(json.value()).toEqual(JSON.parse(text));
      }),
      { numRuns: 150 },
    );
  });

  it('is read byte by byte as well', () => {
    const original = { a: '\\"\n🐋\ud83d'.repeat(12_000), b: ['short', '\x001'] };
    const json = new HollowJson();
    for (const piece of pieces(Buffer.from(JSON.stringify(original)), [1])) json.push(piece);
    expect(json.value()).toEqual(original);
  });

  it('is found with a long key', () => {
    const original = { ['k'.repeat(LONG)]: 'v'.repeat(LONG), other: 1 };
    const json = new HollowJson();
    for (const piece of pieces(Buffer.from(JSON.stringify(original)), [50_000])) json.push(piece);
    expect(json.value()).toEqual(original);
  });

  it('is refused where it is none', () => {
    for (const text of ['{"a":', `"${'x'.repeat(LONG)}`, `{"a":"${'x'.repeat(LONG)}"`, '[1,]']) {
      const json = new HollowJson();
      json.push(Buffer.from(text));
      expect(() => json.value()).toThrow(SyntaxError);
    }
  });

  it('keeps of a long string no more than is asked for', () => {
    const json = new HollowJson(100);
    for (const piece of pieces(Buffer.from(`{"a":"${'x'.repeat(500_000)}","b":2}`), [66_000])) {
      json.push(piece);
    }
    const { a, b } = json.value() as { a: string; b: number };
    expect(a.length).toBeLessThan(150_000);
    expect(b).toBe(2);
  });
});

describe('the beginning of a JSON text', () => {
  it('has the value of what is whole in it, wherever it is cut', () => {
    const text = '{"a":[1,{"b":"x\\"y","c":true}],"d\\\\":{},"e":-1.5e3,"f":[[],""],"g":"end"}';
    let last = 'null';
    for (let end = 0; end <= text.length; end++) {
      const closed = closeJson(text.slice(0, end));
      expect(JSON.stringify(JSON.parse(closed)).length).toBeGreaterThanOrEqual(last.length - 4);
      if (closed !== 'null') last = closed;
    }
    expect(JSON.parse(closeJson(text))).toEqual(JSON.parse(text));
    expect(closeJson('{"a":1,"b":')).toBe('{"a":1}');
    expect(closeJson('{"a":[1,2')).toBe('{"a":[1]}');
    expect(closeJson('{"a')).toBe('{}');
  });

  it('has the beginning of a long string that is cut, and not a short one', () => {
    const beginning = (text: string) => {
      const json = new HollowJson();
      json.push(Buffer.from(text));
      return json.beginning() as Record<string, string>;
    };
    expect(beginning(`{"a":1,"b":"${'x'.repeat(LONG)}`)['b']).toMatch(/^x{69990,}$/);
    expect(beginning(`{"a":1,"b":"${'文'.repeat(LONG)}\\u65`)['b']).toMatch(/^文{69990,}$/);
    expect(beginning('{"a":1,"b":"short')).toEqual({ a: 1 });
  });
});

describe('a text in slices', () => {
  it('is the whole again, and the same bytes', () => {
    const pair = '🐋'.repeat(SLICE_UNITS);
    for (const text of [
      '',
      'x',
      `a${pair}`,
      pair,
      '\ud83d'.repeat(3 * SLICE_UNITS),
      `\udc0b${pair}\ud83d`,
    ]) {
      const slices = [...textSlices(text)];
      expect(slices.join('') === text).toBe(true);
      const bytes = Buffer.concat(slices.map((slice) => Buffer.from(slice)));
      expect(bytes.equals(Buffer.from(text))).toBe(true);
    }
  });

  it('is spelled as JSON spells it', () => {
    fc.assert(
      fc.property(awkward, (text) => {
        const long = text.repeat(Math.ceil((2 * SLICE_UNITS) / text.length));
        expect([...jsonStringSlices(long)].join('') === JSON.stringify(long)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});
