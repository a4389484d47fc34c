import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openStore, StoreError, type Store } from '../../../src/index.ts';
import { builtLibrary } from '../../support/built-library.ts';
import { startSqld } from '../../support/sqld.ts';
import { tempFolder } from '../../support/temp-store.ts';
import { agree, device, enable } from './group.ts';

/** Opens a copy that a tool made of a store in use; undefined where it is refused with a typed error. */
async function openCopy(path: string): Promise<Store | undefined> {
  try {
    const store = await openStore({ path });
    const { ok } = await store.check();
    if (ok) return store;
    await store.close();
  } catch (error) {
    expect(error).toBeInstanceOf(StoreError);
  }
  return undefined;
}

// Row 20 of the fault matrix: what a backup tool or a synced folder makes of a store in use.
describe('a store that was copied while it was written', () => {
  it('opens or is refused with a typed error, and goes on as a device of its own', async () => {
    const sqld = await startSqld();
    const first = await device('first');
    await enable(sqld.url, [first]);
    const { id } = await first.store.runtime.createThread({ model: 'm', workspace: '/w' });
    await first.sync();
    const writer = spawn(process.execPath, [
      'test/faults/devices/steady-writer.mjs',
      await builtLibrary(),
      first.path,
      id,
    ]);
    onTestFinished(() => void writer.kill('SIGKILL'));
    const lines = createInterface({ input: writer.stdout });
    let acked = 0;
    lines.on('line', () => acked++);
    await once(lines, 'line');
    const copies: { path: string; acked: number }[] = [];
    for (let i = 0; i < 6; i++) {
      const path = join(tempFolder(), 'store.db');
      // Every other copy lacks the log, as that of a tool that knows only the file.
      for (const suffix of i % 2 === 0 ? [''] : ['', '-wal']) {
        // By another process: to close a file here would drop the locks of the store that is open in this one.
        if (existsSync(first.path + suffix))
          execFileSync('cp', [first.path + suffix, path + suffix]);
      }
      copies.push({ path, acked });
      await once(lines, 'line');
    }
    writer.kill('SIGTERM');
    await once(writer, 'exit');
    // The fault happened: there was writing between the copies.
    expect(new Set(copies.map((copy) => copy.acked)).size).toBeGreaterThan(3);
    let opened = 0;
    for (const [i, { path }] of copies.entries()) {
      const store = await openCopy(path);
      if (!store) continue;
      opened++;
      if ((await store.sync.status()).enabled) {
        await store.tasks.create({ prompt: `by copy ${i}` });
        const copy = { name: `copy ${i}`, path, store, sync: () => Promise.resolve() };
        copy.sync = async () => {
          process.env['CODEWHALE_STORE_MACHINE_ID'] = copy.name;
          await store.sync.now();
          delete process.env['CODEWHALE_STORE_MACHINE_ID'];
        };
        await agree([first, copy]);
      }
      await store.close();
    }
    expect(opened).toBeGreaterThan(0);
    await agree([first]);
    const { items } = await first.store.events.since(id, 0, { limit: 1000 });
    const written = items.map((event) => (event.payload as { n: number }).n);
    // Everything that was acknowledged, once and in order, whatever became of the copies.
    expect(written).toEqual(written.map((_, i) => i));
    expect(written.length).toBeGreaterThanOrEqual(Math.min(acked, 1000));
  });
});
