import type { Random } from '../simulation/random.ts';

/** Text that has broken programs before. */
export const TEXTS = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud800',
  'x\udc00y',
  '\ufeffbom',
  '\u202eright to left',
  '../../escape',
  '..',
  '/etc/passwd',
  'C:\\con',
  "'; drop table sessions; --",
  '"; select readfile(1); --',
  '%00%2e%2e',
  '__proto__',
  'constructor',
  'toString',
  '👩‍👩‍👧‍👦🏴',
  '数据库',
  'NaN',
  '1e400',
  '-0',
  '9223372036854775807',
  '2026-02-30T25:61:00Z',
  '0000-01-01T00:00:00Z',
  '+275760-09-13T00:00:00.001Z',
  'null',
  '{}',
  '[',
  '$(id)',
  '-x',
  '--json',
  'ſ',
  'İ',
] as const;

export const NUMBERS = [
  0,
  -0,
  -1,
  0.5,
  1e308,
  -1e308,
  5e-324,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  2 ** 53 + 2,
  2 ** 63,
  -(2 ** 63),
  8.64e15 + 1,
] as const;

const KEYS = [
  '__proto__',
  'constructor',
  'prototype',
  'hasOwnProperty',
  'id',
  'body',
  '',
  'x',
] as const;

/** Arrays in arrays, `depth` deep. */
export const nested = (depth: number, open = '[', close = ']') =>
  open.repeat(depth) + close.repeat(depth);

/** Any JSON value, a small one most of the time. */
export function jsonValue(random: Random, depth = 0): unknown {
  switch (random.below(depth > 3 ? 5 : 7)) {
    case 0:
      return null;
    case 1:
      return random.chance(0.5);
    case 2:
      return random.pick(NUMBERS);
    case 3:
      return random.pick(TEXTS);
    case 4:
      return random.pick(TEXTS).repeat(random.chance(0.05) ? 5000 : 1);
    case 5:
      return Array.from({ length: random.below(4) }, () => jsonValue(random, depth + 1));
    default:
      return Object.fromEntries(
        Array.from({ length: random.below(4) }, () => [
          random.pick(KEYS),
          jsonValue(random, depth + 1),
        ]),
      );
  }
}

/** The same JSON with one value somewhere in it put in the place of another, taken away, or added. */
export function mutateJson(random: Random, value: unknown): unknown {
  const isLeaf = typeof value !== 'object' || value === null;
  if (isLeaf || random.chance(0.15)) return jsonValue(random);
  if (Array.isArray(value)) {
    const list = [...(value as unknown[])];
    const at = random.below(list.length + 1);
    if (at === list.length) return [...list, ...list, jsonValue(random)];
    if (random.chance(0.2)) list.splice(at, 1);
    else list[at] = mutateJson(random, list[at]);
    return list;
  }
  const members = Object.entries(value);
  const at = random.below(members.length + 1);
  const member = members[at];
  if (!member) members.push([random.pick(KEYS), jsonValue(random)]);
  else if (random.chance(0.2)) members.splice(at, 1);
  else members[at] = [member[0], mutateJson(random, member[1])];
  return Object.fromEntries(members);
}

/** The same bytes with some of them changed, cut off, doubled, or thrown in. */
export function mutateBytes(random: Random, bytes: Uint8Array): Buffer {
  const copy = Buffer.from(bytes);
  const at = random.below(copy.length + 1);
  const length = 1 + random.below(Math.max(1, Math.min(64, copy.length)));
  switch (random.below(7)) {
    case 0:
      if (copy.length > 0) copy[at % copy.length] = random.below(256);
      return copy;
    case 1:
      if (copy.length > 0)
        copy[at % copy.length] = (copy[at % copy.length] ?? 0) ^ (1 << random.below(8));
      return copy;
    case 2:
      return copy.subarray(0, at);
    case 3:
      return Buffer.concat([copy.subarray(0, at), copy.subarray(at + length)]);
    case 4:
      return Buffer.concat([
        copy.subarray(0, at),
        copy.subarray(at, at + length),
        copy.subarray(at),
      ]);
    case 5: {
      const thrown = random.pick([
        '\0',
        '\ufeff',
        '"',
        '\\',
        '}',
        ',',
        '1e400',
        'NaN',
        '-Infinity',
        '9223372036854775807',
        '\\ud800',
        '"__proto__":{"x":1},',
        nested(300),
      ]);
      return Buffer.concat([copy.subarray(0, at), Buffer.from(thrown), copy.subarray(at)]);
    }
    default: {
      const noise = Buffer.from(Array.from({ length }, () => 128 + random.below(128)));
      return Buffer.concat([copy.subarray(0, at), noise, copy.subarray(at)]);
    }
  }
}
