import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { minifyJson } from '../../src/model/json-text.ts';
import { prettyJson } from '../../src/model/json-text-pretty.ts';

describe('prettyJson', () => {
  it('lays a value out as JSON.stringify with two spaces does', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(prettyJson(JSON.stringify(value))).toBe(JSON.stringify(value, null, 2));
      }),
    );
  });

  it('is undone by minifyJson, letter by letter', () => {
    for (const raw of [
      '{"n":9007199254740993,"f":1.0,"e":-1E+2,"s":"a\\u0041\\/,:{}[]\\"","10":1,"9":{"":[]}}',
      '[[],{},[{}],"\\\\",null,true]',
      '"only: [text], {here}"',
      '0',
    ]) {
      expect(minifyJson(prettyJson(raw))).toBe(raw);
    }
  });

  it('keeps empty lists and objects on one line and ends without a newline', () => {
    expect(prettyJson('{"a":[],"b":{},"c":[1]}')).toBe(
      '{\n  "a": [],\n  "b": {},\n  "c": [\n    1\n  ]\n}',
    );
  });
});
