import { describe, expect, it } from 'vitest';
import { startFaultProxy } from '../../support/fault-proxy.ts';
import { startSqld } from '../../support/sqld.ts';
import { agree, device, enable } from './group.ts';

/** `OFFLINE_WRITES=100000` for the whole of row 35 of the fault matrix. */
const WRITES = Number(process.env['OFFLINE_WRITES'] ?? 20_000);
const DAY = 24 * 60 * 60_000;

// Row 35 of the fault matrix: three months away.
describe('a device that was offline for 90 days', () => {
  it(
    'brings everything, and takes everything, in requests of a megabyte',
    { timeout: 600_000 },
    async () => {
      const sqld = await startSqld();
      let largest = 0;
      const proxy = await startFaultProxy(sqld.url, {
        only: ({ headers }) => {
          largest = Math.max(largest, Number(headers['content-length'] ?? 0));
          return false;
        },
      });
      let away = 0;
      const traveller = await device('traveller', { clock: () => Date.now() - away });
      const home = await device('home');
      await enable(proxy.url, [home, traveller]);
      const thread = await home.store.runtime.createThread({ model: 'm', workspace: '/w' });
      await agree([home, traveller]);
      const batch = 1000;
      for (let done = 0; done < WRITES; done += batch) {
        away = 90 * DAY * (1 - done / WRITES);
        const events = Array.from({ length: batch - 10 }, (_, i) => ({
          type: 'step',
          payload: { n: done + i, text: 'what was done on the way '.repeat(4) },
        }));
        await traveller.store.events.append(thread.id, events);
        for (let i = 0; i < 10; i++) {
          await traveller.store.tasks.create({ prompt: `task ${done + i}` });
        }
      }
      away = 0;
      await home.store.tasks.create({ prompt: 'meanwhile at home' });
      const status = await traveller.store.sync.status();
      expect(status.pendingRows).toBeGreaterThan(WRITES * 0.9);
      const report = await traveller.store.sync.now();
      expect(report.pushed).toBeGreaterThan(WRITES * 0.9);
      // A batch is of a megabyte, whatever is queued.
      expect(largest).toBeGreaterThan(1 << 20);
      expect(largest).toBeLessThan(3 << 20);
      await agree([home, traveller]);
      const counts = await home.store.stats();
      expect(JSON.stringify(counts)).toContain('runtime_events');
      expect((await home.store.events.tail(thread.id, 1)).items[0]?.payload).toMatchObject({
        n: WRITES - 11,
      });
      expect((await home.store.sync.status()).parked).toBe(0);
    },
  );
});
