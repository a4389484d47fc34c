import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  arrayElements,
  JsonTextError,
  minifyJson,
  minifyJsonBytes,
  objectMembers,
  parseJson,
  patchObject,
} from '../../src/model/json-text.ts';

/** JSON values whose strings any reader accepts, with keys that objects treat in special ways. */
const key = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', '10', '9', '', 'a"b\\c', 'ключ', '🐳'),
  fc.string({ unit: 'grapheme', maxLength: 6 }),
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.string({ unit: 'grapheme' }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.constantFrom(null, true, false),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(key, tie('value'), { maxKeys: 40, noNullPrototype: true }),
  ),
}));

function reasonOf(text: string): string {
  try {
    minifyJson(text);
  } catch (error) {
    if (error instanceof JsonTextError) return error.reason;
    throw error;
  }
  return 'accepted';
}

describe('minifyJson', () => {
  it('keeps the value and is done after one pass', () => {
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 1, 4, '\t', '\r\n '), (v, indent) => {
        const text = JSON.stringify(v, null, indent);
        const minified = minifyJson(text);
        expect(minified).toBe(JSON.stringify(v));
        expect(minifyJson(minified)).toBe(minified);
        expect(minifyJsonBytes(Buffer.from(text)).text).toBe(minified);
      }),
    );
  });

  it('accepts no text that JSON.parse refuses, and parses to the same value', () => {
    const tokens = [
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"\\u0061"',
      '1',
      '-',
      '0',
      '.5',
      'e',
      '+',
    ];
    const part = fc.constantFrom(
      ...tokens,
      'true',
      'nul',
      'l',
      ' ',
      '\n',
      '"',
      '\\',
      '\u0001',
      '𝄞',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        let parsed: unknown;
        try {
          parsed = JSON.parse(text);
        } catch {
          expect(reasonOf(text)).toMatch(/_json$|duplicate_key/);
          return;
        }
        if (reasonOf(text) === 'duplicate_key') return;
        expect(parseJson(minifyJson(text))).toEqual(parsed);
      }),
      { numRuns: 5000 },
    );
  });

  it('keeps the spelling of numbers and escapes and the order of keys', () => {
    const text = '{ "b" : 1.0, "10": 9007199254740993, "9" : -0.0e+5 , "a": "\\u00e9\\/\\u0000" }';
    expect(minifyJson(text)).toBe(
      '{"b":1.0,"10":9007199254740993,"9":-0.0e+5,"a":"\\u00e9\\/\\u0000"}',
    );
  });

  it('returns the same text when there is nothing to remove', () => {
    const text = '{"a":[1,"🐳 x"]}';
    expect(minifyJson(text)).toBe(text);
  });

  it.each([
    ['', 'truncated_json'],
    [' \n', 'truncated_json'],
    ['{"a":1', 'truncated_json'],
    ['{"a":"x', 'truncated_json'],
    ['{"a":"\\u00', 'truncated_json'],
    ['[tru', 'truncated_json'],
    ['[1,', 'truncated_json'],
    ['-', 'truncated_json'],
    ['[1,]', 'malformed_json'],
    ['[,1]', 'malformed_json'],
    ['{,}', 'malformed_json'],
    ['{"a":1,}', 'malformed_json'],
    ['{"a":}', 'malformed_json'],
    ['{"a" 1}', 'malformed_json'],
    ['{"a":1]', 'malformed_json'],
    ['[}', 'malformed_json'],
    ['[1}', 'malformed_json'],
    ['}', 'malformed_json'],
    ['01', 'malformed_json'],
    ['1.', 'truncated_json'],
    ['1.e5', 'malformed_json'],
    ['+1', 'malformed_json'],
    ['NaN', 'malformed_json'],
    ['nulL', 'malformed_json'],
    ['{} {}', 'malformed_json'],
    ['{}x', 'malformed_json'],
    ['\ufeff{}', 'malformed_json'],
    ['[\u00a0]', 'malformed_json'],
    ['["\t"]', 'malformed_json'],
    ['["\\x"]', 'malformed_json'],
    ['["\\u12G4"]', 'malformed_json'],
    ["{'a':1}", 'malformed_json'],
    ['{"a":1,"a":2}', 'duplicate_key'],
    ['{"a":1,"\\u0061":2}', 'duplicate_key'],
    ['{"\\u0061":1,"a":2}', 'duplicate_key'],
    ['{"x":{"a":{"a":1},"b":{"a":2}},"x":1}', 'duplicate_key'],
    ['{"__proto__":1,"__proto__":2}', 'duplicate_key'],
    ['["\\ud83d"]', 'lone_surrogate'],
    ['["\\ud83dx"]', 'lone_surrogate'],
    ['["\\ud83d\\u0041"]', 'lone_surrogate'],
    ['["\\udc33"]', 'lone_surrogate'],
    ['["\ud83d"]', 'lone_surrogate'],
    ['["\\ud83d\\udc33 🐳"]', 'accepted'],
    ['{"a":{"a":1},"b":[{"a":1},{"a":1}]}', 'accepted'],
    ['"x"', 'accepted'],
  ])('%s: %s', (text, reason) => {
    expect(reasonOf(text)).toBe(reason);
  });

  it('finds a duplicate among many keys', () => {
    const members = Array.from({ length: 200 }, (_, i) => `"k${i}":{"k${i}":0}`);
    expect(reasonOf(`{${members.join()}}`)).toBe('accepted');
    for (const i of [0, 23, 24, 25, 199]) {
      expect(reasonOf(`{${members.join()},"k${i}":1}`)).toBe('duplicate_key');
    }
  });

  it('counts depth without recursion', () => {
    expect(reasonOf('['.repeat(128) + ']'.repeat(128))).toBe('accepted');
    expect(reasonOf('['.repeat(129) + ']'.repeat(129))).toBe('too_deep');
    expect(reasonOf('{"a":'.repeat(1e5))).toBe('too_deep');
  });

  it('tells numbers whose value does not show their spelling', () => {
    const odd = (text: string) => minifyJsonBytes(Buffer.from(text)).oddNumbers;
    expect(odd('[1,-20,"2.0"]')).toBe(false);
    expect(odd('[2.0]')).toBe(true);
    expect(odd('[2e0]')).toBe(true);
    expect(odd('[9007199254740993]')).toBe(true);
  });
});

describe('objectMembers, arrayElements', () => {
  it('cut a text into the texts of its parts', () => {
    fc.assert(
      fc.property(fc.dictionary(key, value, { noNullPrototype: true }), (object) => {
        const members = objectMembers(JSON.stringify(object));
        expect(members.map((m) => m.key)).toEqual(Object.keys(object));
        expect(members.map((m) => m.value)).toEqual(
          Object.values(object).map((v) => JSON.stringify(v)),
        );
      }),
    );
    fc.assert(
      fc.property(fc.array(value), (list) => {
        expect(arrayElements(JSON.stringify(list))).toEqual(list.map((v) => JSON.stringify(v)));
      }),
    );
  });
});

describe('patchObject', () => {
  it('replaces in place, appends what is new, drops what is undefined', () => {
    const raw = '{"b":1.0,"10":[1,{"x":"}"}],"a":"\\u00e9"}';
    expect(patchObject(raw, { 10: '2', z: '"new"', b: undefined, y: undefined })).toBe(
      '{"10":2,"a":"\\u00e9","z":"new"}',
    );
    expect(patchObject(raw, {})).toBe(raw);
    expect(patchObject('{}', { a: '1' })).toBe('{"a":1}');
    expect(patchObject('{"a":1}', { a: undefined })).toBe('{}');
  });

  it('treats __proto__ as a key like any other', () => {
    const raw = '{"__proto__":{"polluted":true}}';
    expect(patchObject(raw, { a: '1' })).toBe('{"__proto__":{"polluted":true},"a":1}');
    expect(Object.hasOwn(parseJson(raw) as object, '__proto__')).toBe(true);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});
