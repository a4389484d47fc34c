import { expect, it } from 'vitest';
import { CallOrder } from '../../src/areas/call-order.ts';

it('lets a call go on where the preparation of the one before it failed', async () => {
  const order = new CallOrder();
  const asked: string[] = [];
  const call = (name: string, prepare?: () => Promise<void>) =>
    order.run('id', prepare, () => Promise.resolve(asked.push(name)));
  const results = await Promise.allSettled([
    call('first', () => Promise.reject(new Error('no room'))),
    call('second', () => Promise.resolve()),
    call('third'),
  ]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
  expect(asked).toEqual(['second', 'third']);
});
