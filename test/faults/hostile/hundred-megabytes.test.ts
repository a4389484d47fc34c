import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { newKeyRing } from '../../../src/sync/keys/key-ring.ts';
import { FileHub } from '../../support/file-hub.ts';
import { syncDevice } from '../../support/sync-device.ts';
import { tempFolder } from '../../support/temp-store.ts';

// Row 29 of the fault matrix. What it takes is printed: figures depend on the machine.
const BYTES = Number(process.env['LARGE_MB'] ?? 100) << 20;

/** Text of lines that differ: it compresses as logs do. */
function output(): string {
  const bytes = Buffer.alloc(BYTES);
  for (let at = 0, line = 0; at < BYTES; line++) {
    at += bytes.write(`line ${line} of what a tool said: ${(line * 2_654_435_761) >>> 0}\n`, at);
  }
  return bytes.toString('latin1');
}

it('an item of 100 MB goes to another device in pieces', { timeout: 600_000 }, async () => {
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  const ring = newKeyRing();
  const a = await syncDevice('a', hub, { ring });
  const b = await syncDevice('b', hub, { ring });
  let blockedMs = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    blockedMs = Math.max(blockedMs, now - last);
    last = now;
  }, 2);
  const step = async <T>(name: string, job: () => Promise<T>): Promise<T> => {
    blockedMs = 0;
    last = performance.now();
    const started = last;
    const result = await job();
    blockedMs = Math.max(blockedMs, performance.now() - last);
    const [, peak] = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    const took = Math.round(performance.now() - started);
    console.log(
      `${name}: ${took} ms, blocked up to ${Math.round(blockedMs)} ms, peak ${Number(peak) >> 10} MiB`,
    );
    return result;
  };
  const thread = await a.store.runtime.createThread({
    workspace: '/w',
    model: 'auto',
    mode: 'agent',
  });
  const turn = await a.store.runtime.startTurn(thread.id);
  const detail = output();
  const { id } = await step('save', () =>
    a.store.runtime.saveItem(turn.id, {
      kind: 'command_execution',
      status: 'completed',
      summary: 's',
      detail,
    }),
  );
  await step('send', () => a.sync());
  const [rows] = await hub.run(
    [
      {
        sql: `select count(*), max(length(payload)) from hub_entries where table_name = 'chunks'`,
        params: [],
      },
    ],
    'read',
  );
  const [pieces, largest] = (rows?.[0] ?? []).map(Number);
  // Once as the item, once in the event that tells of it.
  expect(pieces).toBeGreaterThanOrEqual(2 * (BYTES >> 20));
  expect(largest).toBeLessThanOrEqual((1 << 20) + 100);
  await step('receive', () => b.sync());
  const item = await step('read', () => b.store.runtime.getItem(id));
  expect(item.detail === detail).toBe(true);
  expect(await b.store.sync.parked()).toEqual([]);
  clearInterval(timer);
  hub.close();
});
