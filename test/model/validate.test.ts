import { expect, it } from 'vitest';
import * as z from 'zod';
import { validate } from '../../src/model/validate.ts';

it('what is refused is told in words of people', () => {
  const schema = z.strictObject({
    name: z.string().min(1).max(3).optional(),
    code: z.string().min(2).optional(),
    limit: z.int().min(1).max(9).optional(),
    list: z.array(z.int()).min(1).max(2).optional(),
    own: z.string().max(1, 'one letter').optional(),
  });
  const told = (input: unknown) => {
    try {
      validate(schema, input, 'thing');
    } catch (error) {
      return (error as Error).message;
    }
    return 'taken';
  };
  expect(told({ name: '' })).toBe('thing name: it is empty');
  expect(told({ name: 'four' })).toBe('thing name: it must have at most 3 characters');
  expect(told({ code: 'a' })).toBe('thing code: it must have at least 2 characters');
  expect(told({ limit: 0 })).toBe('thing limit: it must be at least 1');
  expect(told({ limit: 10 })).toBe('thing limit: it must be at most 9');
  expect(told({ list: [] })).toBe('thing list: it must have at least 1 entries');
  expect(told({ own: 'ab' })).toBe('thing own: one letter');
});
