import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { WorkerCrashedError } from '../../../src/errors.ts';
import { startWorkerThread } from '../../../src/sync/worker/host.ts';
import { tempFolder } from '../../support/temp-store.ts';

const ENTRY = pathToFileURL(join(import.meta.dirname, '../../support/bad-thread.mjs'));

async function setup(how: string) {
  const marks = join(tempFolder(), 'marks');
  const errors: WorkerCrashedError[] = [];
  let applied: (count: number) => void = () => undefined;
  const alive = new Promise<number>((resolve) => {
    applied = resolve;
  });
  const thread = await startWorkerThread(
    { path: `${how}|${marks}`, durability: 'normal' },
    { status: () => undefined, applied, error: (error) => errors.push(error) },
    ENTRY,
  );
  onTestFinished(() => thread.stop());
  const starts = () => readFileSync(marks, 'utf8').split('\n').length - 1;
  return { thread, errors, alive, starts };
}

describe('startWorkerThread', () => {
  it.each(['throw', 'reject', 'exit', 'memory'])(
    'survives a thread that ends by itself (%s) and starts it anew',
    async (how) => {
      const { errors, alive, starts } = await setup(how);

      expect(await alive).toBe(7);

      expect(starts()).toBe(2);
      expect(errors.map((error) => error.code)).toEqual(['WORKER_CRASHED']);
      expect(errors[0]?.message).not.toContain('secret');
    },
  );

  it('says so when the thread does not even start', async () => {
    await expect(setup('unready')).rejects.toMatchObject({ code: 'WORKER_CRASHED' });
  });

  it('does not wait for a thread that does not listen', async () => {
    const { thread, starts } = await setup('deaf');

    const waiting = sleep(10_000, 'waits', { ref: false });
    expect(await Promise.race([thread.stop(), waiting])).toBeUndefined();

    expect(starts()).toBe(1);
  });
});
