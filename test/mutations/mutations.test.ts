import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import mutations from './mutations.json' with { type: 'json' };

it.each(mutations)('still applies: $name', ({ file, old, new: changed, test }) => {
  expect(readFileSync(file, 'utf8').split(old)).toHaveLength(2);
  expect(changed).not.toBe(old);
  expect(existsSync(test)).toBe(true);
});
