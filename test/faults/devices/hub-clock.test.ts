import { expect, it } from 'vitest';
import { SkewedHub } from '../../support/skewed-hub.ts';
import { startSqld } from '../../support/sqld.ts';
import { newKeyRing } from '../../../src/sync/keys/key-ring.ts';
import { syncDevice, type SyncDevice } from '../../support/sync-device.ts';

const DAY = 24 * 60 * 60_000;

const titleOf = async ({ store }: SyncDevice, id: string) => (await store.sessions.get(id)).title;

async function exchange(devices: readonly SyncDevice[]): Promise<string[]> {
  for (let round = 0; round < 4; round++) for (const device of devices) await device.sync();
  return Promise.all(devices.map(async ({ store }) => (await store.sync.verify()).digest));
}

const clocks = async ({ store }: SyncDevice) =>
  (await store.check()).checks.find(({ name }) => name === 'clocks');

// Row 18 of the fault matrix: a hub whose clock was ahead took what no right clock stamped.
it('what was stamped while the clocks of the hub and of a device were weeks ahead is told, and an empty hub ends it', async () => {
  const hub = new SkewedHub((await startSqld()).url);
  let skew = 0;
  const desk = await syncDevice('desk', hub, { now: () => Date.now() + skew });
  const laptop = await syncDevice('laptop', hub);
  expect((await clocks(desk))?.ok).toBe(true);
  skew = hub.skewMs = 30 * DAY;
  const { id } = await desk.store.sessions.create({ title: 'while wrong', workspace: '/w' });
  const other = await desk.store.sessions.create({ title: 'other', workspace: '/w' });
  await exchange([desk, laptop]);

  skew = hub.skewMs = 0;
  await laptop.store.sessions.rename(id, 'by the laptop');
  await desk.store.sessions.rename(id, 'by the desk');
  expect(new Set(await exchange([desk, laptop])).size).toBe(2);
  for (const device of [desk, laptop]) {
    expect(await clocks(device)).toMatchObject({
      ok: false,
      detail: expect.stringMatching(/^\d+ changes .*put an empty hub/) as string,
    });
  }
  hub.replace((await startSqld()).url);
  expect(new Set(await exchange([laptop, desk])).size).toBe(1);
  for (const device of [desk, laptop]) expect(await clocks(device)).toMatchObject({ ok: true });
  const { items } = await desk.store.sync.conflicts();
  const lost = items.map((one) => (one.lost as { title?: string }).title);
  expect([...lost, await titleOf(laptop, id)].sort()).toEqual(['by the desk', 'by the laptop']);
  expect(await titleOf(laptop, other.id)).toBe('other');
});

it.each([
  ['sealed', newKeyRing()],
  ['in clear', null],
])(
  'what a lost device sent, %s, outlives that hub and reader stand weeks behind',
  async (_, ring) => {
    const hub = new SkewedHub((await startSqld()).url);
    let skew = 0;
    const settings = { ring, isLocked: ring !== null };
    const lost = await syncDevice('lost', hub, settings);
    const reader = await syncDevice('reader', hub, { ...settings, now: () => Date.now() + skew });
    await exchange([lost, reader]);
    const { id } = await lost.store.sessions.create({ title: 'the only copy', workspace: '/w' });
    await lost.sync();
    skew = hub.skewMs = -30 * DAY;
    expect((await reader.sync()).removed).toBeGreaterThan(0);
    skew = hub.skewMs = 0;
    for (let i = 0; i < 3; i++) await reader.sync();
    const third = await syncDevice('third', hub, settings);
    await third.sync();
    for (const device of [reader, third]) expect(await titleOf(device, id)).toBe('the only copy');
  },
);
