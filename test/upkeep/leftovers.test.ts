import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openStore, rebuildStore, type Store } from '../../src/index.ts';
import { builtLibrary } from '../support/built-library.ts';
import { tempFolder, tempStore } from '../support/temp-store.ts';

const NOTHING = expect.stringMatching(/^nothing/) as string;

async function leftovers(store: Store) {
  return (await store.check()).checks.find(({ name }) => name === 'leftovers');
}

it('the check tells of what killed commands left beside the store, and its size', async () => {
  const store = await tempStore();
  expect(await leftovers(store)).toMatchObject({ ok: true, detail: NOTHING });
  const folder = join(store.path, '..');
  const write = (name: string, age: number) => {
    writeFileSync(join(folder, name), 'x'.repeat(1000));
    const at = new Date(Date.now() - age);
    utimesSync(join(folder, name), at, at);
  };
  for (const name of ['other.txt', 'storeXdb.restoring', 'store.db.replaced-1']) write(name, 1e9);
  expect(await leftovers(store)).toMatchObject({ ok: true, detail: NOTHING });
  // A backup may be at it: told, but no alarm.
  write('copy.db.partial', 1000);
  write('copy.db.partial-journal', 1000);
  const detail = expect.stringContaining('copy.db.partial (2000 bytes)') as string;
  expect(await leftovers(store)).toMatchObject({ ok: true, detail });
  write('store.db.0a1b2c3d.restoring', 3_600_000);
  write('store.db.0a1b2c3d.restoring.before-v3', 3_600_000);
  const found = await leftovers(store);
  expect(found).toMatchObject({ ok: false, detail });
  expect(found?.detail).toContain('store.db.0a1b2c3d.restoring (1000 bytes)');
  expect(found?.detail).toContain('store.db.0a1b2c3d.restoring.before-v3 (1000 bytes)');
});

it('a repair that was killed is among them, and the next one keeps one copy of the damaged store', async () => {
  const path = join(tempFolder(), 'store.db');
  const store = await openStore({ path });
  await store.sessions.create({ title: 'kept', workspace: '/w' });
  await store.close();
  const script = `const { rebuildStore } = await import(process.argv[1]);
    await rebuildStore(process.argv[2], { onProgress: () => process.kill(process.pid, 'SIGKILL') });`;
  const args = ['--input-type=module', '-e', script, await builtLibrary(), path];
  for (let run = 0; run < 2; run++) {
    const child = spawn(process.execPath, args);
    expect((await once(child, 'exit'))[1]).toBe('SIGKILL');
  }
  const again = await openStore({ path });
  expect((await leftovers(again))?.detail).toMatch(/store\.db\.keeping \(\d+ bytes\)/);
  await again.close();
  const { kept } = await rebuildStore(path);
  const left = readdirSync(join(path, '..')).filter(
    (name) => !/^store\.db(-wal|-shm)?$/.test(name),
  );
  expect(left.filter((name) => !name.endsWith('-wal'))).toEqual([basename(kept)]);
});

it('a backup that was killed is among them', async () => {
  const path = join(tempFolder(), 'store.db');
  const store = await openStore({ path });
  const { id } = await store.sessions.create({ workspace: '/w' });
  const noise = () =>
    Array.from({ length: 40_000 }, () => Math.random().toString(36).slice(2)).join(' ');
  for (let i = 0; i < 40; i++) {
    await store.sessions.appendMessages(id, [{ role: 'user', content: noise() }]);
  }
  const folder = join(path, '..');
  const partial = () => readdirSync(folder).find((name) => name.endsWith('.partial'));
  const script = `const { openStore } = await import(process.argv[1]);
    await (await openStore({ path: process.argv[2] })).backup(process.argv[3]);`;
  const args = [await builtLibrary(), path, join(folder, 'copy.db')];
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, ...args]);
  const ended = once(child, 'exit');
  while (partial() === undefined && child.exitCode === null) await wait(1);
  child.kill('SIGKILL');
  await ended;
  expect(partial()).toBeDefined();
  const detail = /copy\.db\.[0-9a-f]{8}\.partial \(\d+ bytes\)/;
  expect((await leftovers(store))?.detail).toMatch(detail);
  await store.close();
});
