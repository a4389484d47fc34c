import { join } from 'node:path';
import { expect, it } from 'vitest';
import { clockOffset } from '../../src/sync/clock-offset.ts';
import type { HubStatement } from '../../src/sync/hub/hub.ts';
import { recordExchange } from '../../src/sync/worker/record-status.ts';
import { FileHub } from '../support/file-hub.ts';
import { syncDevice } from '../support/sync-device.ts';
import { tempFolder } from '../support/temp-store.ts';

it.each([
  ['at once', 10_000, 10_000, 10_000, 0],
  ['read at its beginning', 10_000, 10_000, 13_000, 0],
  ['read at its end', 13_000, 10_000, 13_000, 0],
  ['behind', 20_000, 10_000, 11_000, 9500],
  ['ahead', 1000, 10_000, 11_000, -9500],
])('the clock of the hub, %s', (_, nowMs, before, after, offset) => {
  expect(clockOffset(nowMs, before, after)).toBe(offset);
});

const clock = { ms: Date.UTC(2026, 0, 1), skew: 0 };

/** A hub with the clock of this machine, or another one, that takes seconds for its answers. */
class SlowHub extends FileHub {
  override async run(statements: readonly HubStatement[], mode: 'read' | 'write') {
    const rows = await super.run(statements, mode);
    clock.ms += 3000;
    return rows;
  }
}

it('takes neither the time of a request nor that of an exchange for a difference', async () => {
  const now = () => clock.ms;
  const hub = new SlowHub({ path: join(tempFolder(), 'hub.db'), now: () => clock.ms + clock.skew });
  const a = await syncDevice('a', hub, { now });
  const offset = async () => {
    const { meta } = await a.sync();
    await recordExchange({ database: a.database, now }, a.exchange, meta);
    return (await a.store.sync.status()).clockOffsetMs;
  };
  await a.store.tasks.create({ prompt: 'one' });
  // With a push, and with a pull only.
  expect(await offset()).toBe(0);
  expect(await offset()).toBe(0);
  clock.skew = 60_000;
  expect(await offset()).toBe(58_500);
});
