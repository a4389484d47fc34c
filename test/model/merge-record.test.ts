import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeRecord } from '../../src/model/merge-record.ts';

describe('a record that was edited here', () => {
  it('takes what changed in it, and keeps what was edited', () => {
    const before = '{"a":1,"b":2,"c":3,"d":4,"e":5}';
    const here = '{"a":1,"b":"mine","d":4,"e":"mine","own":true}';
    const record = '{"e":"theirs","new":0,"d":40,"b":2,"a":1,"c":3}';
    expect(mergeRecord({ before, here, record }, true)).toBe(
      '{"e":"theirs","new":0,"d":40,"b":"mine","a":1,"own":true}',
    );
    expect(mergeRecord({ before, here, record }, false)).toBe(
      '{"e":"mine","new":0,"d":40,"b":"mine","a":1,"own":true}',
    );
  });

  it('keeps how everything is spelled', () => {
    const before = '{"n":1.0,"big":12345678901234567890,"\\u0061":"\\/","x":1}';
    // An edit beside them has spelled the numbers anew.
    const here = '{"n":1,"big":12345678901234567000,"a":"/","x":2}';
    const record = '{"big":12345678901234567891,"n":2.0,"a":"\\/","x":1}';
    for (const wins of [true, false]) {
      expect(mergeRecord({ before, here, record }, wins)).toBe(
        '{"big":12345678901234567891,"n":2.0,"a":"\\/","x":2}',
      );
    }
  });

  it('has members of its metadata told apart, and of no other member', () => {
    const texts = (metadata: string, other: string) => `{"metadata":${metadata},"o":${other}}`;
    const before = texts('{"a":1,"b":1}', '{"a":1,"b":1}');
    const here = texts('{"a":2,"b":1}', '{"a":2,"b":1}');
    const record = texts('{"a":1,"b":3}', '{"a":1,"b":3}');
    expect(mergeRecord({ before, here, record }, true)).toBe(
      texts('{"a":2,"b":3}', '{"a":1,"b":3}'),
    );
  });

  it('is the record where it is no object here, or was none', () => {
    const record = '{"a":1}';
    for (const odd of ['null', '[1]', '{"a":1,"a":2}', '', '{"a"']) {
      expect(mergeRecord({ before: odd, here: '{"a":2}', record }, false)).toBe(record);
      expect(mergeRecord({ before: '{"a":0}', here: odd, record }, false)).toBe(record);
    }
    // A device of the group spelled it with white space.
    expect(mergeRecord({ before: '{ "a" : 1 }', here: '{ "b" : 2 }', record }, true)).toBe(
      '{"b": 2}'.replace(' ', ''),
    );
  });

  it('has every member from here or from the record, and from here where that did not change', () => {
    const keys = fc.constantFrom('a', 'b', 'c', '__proto__', 'metadata');
    const objects = fc.dictionary(keys, fc.constantFrom<unknown>(1, 2, 3, { a: 1 }, { a: 2 }));
    fc.assert(
      fc.property(objects, objects, objects, fc.boolean(), (before, here, record, wins) => {
        const [was, is, said] = [before, here, record].map((one) => JSON.stringify(one));
        const merged = mergeRecord(
          { before: was as string, here: is as string, record: said as string },
          wins,
        );
        const result = JSON.parse(merged) as Record<string, unknown>;
        const text = (of: Record<string, unknown>, key: string) =>
          Object.hasOwn(of, key) ? JSON.stringify(of[key]) : undefined;
        for (const key of ['a', 'b', 'c', '__proto__']) {
          const [b, h, r] = [before, here, record].map((one) => text(one, key));
          const wanted = r === b || (h !== b && !wins) ? h : r;
          expect(text(result, key)).toBe(wanted);
        }
      }),
    );
  });
});
