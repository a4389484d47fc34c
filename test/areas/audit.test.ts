import { describe, expect, it } from 'vitest';
import { openStore } from '../../src/index.ts';
import { expectIndexed, statementLog } from '../support/query-plans.ts';
import { tempStore } from '../support/temp-store.ts';

async function setup() {
  const clock = { now: Date.parse('2026-08-18T09:00:00Z') };
  const log = statementLog();
  const store = await tempStore({ clock: () => clock.now, logger: log.logger });
  return { store, clock, log };
}

describe('audit', () => {
  it('has an entry on disk when the append resolves', async () => {
    const { store } = await setup();
    const details = { tool_name: 'exec_shell', text: '\u0000 🐳'.repeat(2000), list: [null] };
    const entry = await store.audit.append({ event: 'tool.approval.prompted', details });
    expect(entry).toMatchObject({ at: '2026-08-18T09:00:00.000Z', details });
    const other = await openStore({ path: store.path, readOnly: true });
    try {
      expect((await other.audit.list()).items).toEqual([entry]);
    } finally {
      await other.close();
    }
    expect((await store.audit.append({ event: 'credential.clear' })).details).toBeNull();
    for (const input of [{ event: '' }, { event: 'x', details: undefined, more: 1 }]) {
      const wrong = store.audit.append(input);
      await expect(wrong).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    }
  });

  it('lists newest first, in the order of the appends where times are equal', async () => {
    const { store, clock, log } = await setup();
    for (let i = 0; i < 5; i++) {
      await store.audit.append({ event: i % 2 === 0 ? 'even' : 'odd', details: i });
      if (i === 2) clock.now += 1000;
    }
    log.take();
    const seen: unknown[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof store.audit.list>> = await store.audit.list({
        limit: 2,
        cursor,
      });
      seen.push(...page.items.map((entry) => entry.details));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual([4, 3, 2, 1, 0]);
    const of = async (options: Parameters<typeof store.audit.list>[0]) =>
      (await store.audit.list(options)).items.map((entry) => entry.details);
    expect(await of({ event: 'even' })).toEqual([4, 2, 0]);
    expect(await of({ since: '2026-08-18T09:00:01Z' })).toEqual([4, 3]);
    expect(await of({ event: 'even', until: '2026-08-18T11:00:00+02:00' })).toEqual([2, 0]);
    expectIndexed(store.path, log.take());
  });
});
