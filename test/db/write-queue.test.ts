import { executionAsyncResource } from 'node:async_hooks';
import Driver from 'libsql';
import { expect, it } from 'vitest';
import { Connection } from '../../src/db/connection.ts';
import { ConflictError } from '../../src/errors.ts';
import { untilFree, WriteQueue } from '../../src/db/write-queue.ts';
import { tempStore } from '../support/temp-store.ts';

it('a lock that is not given up is told as anybody’s, with what to do where it is one’s own', async () => {
  const store = await tempStore();
  const held = new Driver(store.path);
  held.exec('begin immediate');
  const other = new Connection(store.path, { busyWaitMs: 0, readOnly: false });
  const begin = () => {
    other.exec('begin immediate');
  };
  await expect(untilFree(begin, { deadlineMs: 20, pauseMaxMs: 5 })).rejects.toMatchObject({
    code: 'BUSY',
    retryable: true,
    message:
      'the store was locked for 20 ms, by another process or another store object of this one',
    hint: expect.stringContaining('use the handle that it was given') as string,
  });
  other.close();
  held.exec('rollback');
  held.close();
});

it('leaves nothing behind that every promise of the process would carry from then on', async () => {
  const carried = () => Object.getOwnPropertySymbols(executionAsyncResource()).length;
  const count = await new WriteQueue().add(carried);
  for (let i = 0; i < 20; i++) await new WriteQueue().add(() => undefined);
  expect(await new WriteQueue().add(carried)).toBe(count);
});

it('knows its own job also within the job of another queue', async () => {
  const [one, other] = [new WriteQueue(), new WriteQueue()];
  await one.add(() =>
    other.add(async () => {
      await expect(one.add(() => undefined)).rejects.toThrow(ConflictError);
      await expect(other.add(() => undefined)).rejects.toThrow(ConflictError);
    }),
  );
  expect(await one.add(() => other.add(() => 'done'))).toBe('done');
});
