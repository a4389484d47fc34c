import { cpSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { openStore, restoreStore, type SyncReport } from '../../src/index.ts';
import { agree, asMachine, device, enable, type Device } from '../faults/devices/group.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { startSqld } from '../support/sqld.ts';
import { tempFolder } from '../support/temp-store.ts';

const RULE = 'FREQ=HOURLY;INTERVAL=1';

const statusOf = ({ store }: Device) => store.sync.status();
const now = ({ name, store }: Device): Promise<SyncReport> =>
  asMachine(name, () => store.sync.now());

/** A group of one device with a task and an automation, and a copy of its store on the same machine. */
async function copied(): Promise<{
  first: Device;
  copy: Device;
  former: string;
  proxy: Awaited<ReturnType<typeof startFaultProxy>>;
}> {
  const sqld = await startSqld();
  const proxy = await startFaultProxy(sqld.url, { only: ({ url }) => url === '/v3/pipeline' });
  const first = await device('same');
  await enable(proxy.url, [first]);
  await first.store.tasks.create({ prompt: 'waits', workspace: '/w' });
  await first.store.automations.create({ name: 'x', prompt: 'p', rule: RULE });
  await first.sync();
  const former = (await statusOf(first)).deviceId;
  await first.store.close();
  const folder = tempFolder();
  cpSync(dirname(first.path), folder, { recursive: true });
  first.store = await openStore({ path: first.path });
  const copy = await device('same', { path: join(folder, 'store.db') });
  await first.store.sessions.create({ title: 'of the first', workspace: '/w' });
  await first.sync();
  return { first, copy, former, proxy };
}

it('a copy says so once, and whose work does not run here as long as there is any', async () => {
  const { copy, former, proxy } = await copied();
  expect(await now(copy)).toMatchObject({ copyOf: former });
  const told = {
    code: 'DEVICE_COPIED',
    message: expect.stringMatching(new RegExp(`\\(2\\).*${former}`)) as string,
    hint: expect.stringContaining('--lost') as string,
  };
  expect(await statusOf(copy)).toMatchObject({ lastError: told });

  // Whatever it sends, and whichever process does: it is the work that counts.
  await copy.store.sessions.create({ title: 'of the copy', workspace: '/w' });
  expect(await now(copy)).toMatchObject({ copyOf: null, pushed: expect.any(Number) as number });
  await copy.store.close();
  copy.store = await openStore({ path: copy.path });
  expect(await statusOf(copy)).toMatchObject({ lastError: told });

  // It hides nothing.
  proxy.always({ kind: 'answer', status: 502 });
  await expect(now(copy)).rejects.toThrow();
  expect((await statusOf(copy)).lastError?.code).toBe('HUB_UNREACHABLE');
  proxy.always({ kind: 'pass' });
  await now(copy);
  expect(await statusOf(copy)).toMatchObject({ lastError: told });

  const { deviceId } = await statusOf(copy);
  const [task] = (await copy.store.tasks.list()).items;
  await copy.store.tasks.handOver(task?.id ?? '', deviceId, { lost: true });
  expect((await statusOf(copy)).lastError?.message).toContain('(1)');
  const [automation] = (await copy.store.automations.list()).items;
  await copy.store.automations.update(automation?.id ?? '', { owner: deviceId });
  expect((await statusOf(copy)).lastError).toBeNull();
});

it('nothing is left behind where the other one goes on', async () => {
  const { first, copy } = await copied();
  await now(copy);
  expect((await statusOf(copy)).lastError?.code).toBe('DEVICE_COPIED');
  expect((await statusOf(first)).lastError).toBeNull();

  await first.store.sessions.create({ title: 'more of the first', workspace: '/w' });
  await first.sync();
  await now(copy);
  expect((await statusOf(copy)).lastError).toBeNull();
});

it('what comes back from the hub after a restore is told of, too: it belongs to the former device', async () => {
  const sqld = await startSqld();
  const first = await device('first');
  await enable(sqld.url, [first]);
  await first.store.tasks.create({ prompt: 'before', workspace: '/w' });
  const backup = join(tempFolder(), 'backup.db');
  await first.store.backup(backup);
  await first.store.tasks.create({ prompt: 'after', workspace: '/w' });
  await first.sync();
  const former = (await statusOf(first)).deviceId;
  await first.store.close();
  await restoreStore(backup, first.path);
  first.store = await openStore({ path: first.path });
  await agree([first]);
  const { lastError } = await statusOf(first);
  expect(lastError).toMatchObject({ code: 'DEVICE_COPIED' });
  expect(lastError?.message).toContain(`(1) belong to the device ${former}`);
});
