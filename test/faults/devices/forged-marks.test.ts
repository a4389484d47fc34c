import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeHubKey } from '../../support/hub-token.ts';
import { startSqld } from '../../support/sqld.ts';
import { tempFolder } from '../../support/temp-store.ts';
import { hubReader } from '../sync/checkers.ts';
import { agree, asMachine, device, enable } from './group.ts';

/** What somebody with a token, and no key, writes over the last push of a device. */
const FORGED = [
  `update hub_devices set push_token = 'forged'`,
  `update hub_devices set push_number = push_number + 1`,
  `update hub_devices set push_number = push_number + 7, push_token = lower(hex(randomblob(16)))`,
  `update hub_devices set push_number = push_number + 7,
     push_token = lower(hex(randomblob(16))) || substr(push_token, 33)`,
  `update hub_devices set push_number = 9223372036854775807, push_token = cast(x'ff00' as text)`,
  `update hub_devices set push_number = null, push_token = null`,
  `update hub_devices set push_token = cast(hex(zeroblob(500)) as text)`,
  `update hub_devices set id = 'x' || id`,
  `delete from hub_devices`,
];

it.each(FORGED)(
  'a device whose last push is forged or gone keeps its id and its work (%s)',
  async (forgery) => {
    const sqld = await startSqld();
    const a = await device('a');
    const b = await device('b');
    await enable(sqld.url, [a, b]);
    const { store } = a;
    const running = await store.tasks.create({ prompt: 'runs', workspace: '/w' });
    const queued = await store.tasks.create({ prompt: 'waits', workspace: '/w' });
    const rule = 'FREQ=HOURLY;INTERVAL=1';
    const hourly = await store.automations.create({ name: 'x', prompt: 'p', rule });
    await store.tasks.claim({ owner: 'worker', leaseMs: 600_000 });
    await agree([a, b]);
    const { deviceId } = await store.sync.status();
    const sql = hubReader(sqld.url);

    for (let round = 0; round < 3; round++) {
      await sql(forgery);
      await a.sync();
      expect(await store.sync.status()).toMatchObject({
        deviceId,
        lastError: { code: 'HUB_DAMAGED', message: expect.stringContaining('last push') as string },
      });
    }
    await store.tasks.heartbeat({ id: running.id, owner: 'worker', leaseMs: 600_000 });
    await store.tasks.finish(running.id, { owner: 'worker', status: 'completed' });
    expect((await store.tasks.claim({ owner: 'next', leaseMs: 1000 }))?.id).toBe(queued.id);
    const later = new Date(Date.now() + 2 * 3_600_000).toISOString();
    expect(
      (await store.automations.due(later)).items.map(({ automation }) => automation.id),
    ).toContain(hourly.id);
    await agree([a, b]);
    expect((await b.store.tasks.get(running.id)).status).toBe('completed');
  },
);

it('a device of a group without a key keeps its id where the mark is none that comes later', async () => {
  const sqld = await startSqld();
  const a = await device('a');
  await asMachine('a', () => a.store.sync.enable(sqld.url, { encryption: false, pull: 'http' }));
  await a.store.tasks.create({ prompt: 'x', workspace: '/w' });
  await a.sync();
  const { deviceId } = await a.store.sync.status();
  const sql = hubReader(sqld.url);

  await sql(`update hub_devices set push_token = printf('%032d', 0)`);
  await a.sync();
  await sql('delete from hub_devices');
  await a.sync();
  await sql(`update hub_devices set push_number = push_number + 1, push_token = 'odd'`);
  await a.sync();
  expect((await a.store.sync.status()).deviceId).toBe(deviceId);

  // Nobody can tell this one from the mark of a copy: it is said at least.
  await sql(`update hub_devices set push_number = push_number + 1,
    push_token = lower(hex(randomblob(16)))`);
  await a.sync();
  const status = await a.store.sync.status();
  expect(status.deviceId).not.toBe(deviceId);
  expect(status.lastError).toMatchObject({
    code: 'DEVICE_COPIED',
    message: expect.stringContaining(deviceId) as string,
    hint: expect.stringContaining('--lost') as string,
  });
});

it('a forged mark that comes with a new epoch keeps nobody from sending', async () => {
  const sqld = await startSqld();
  const a = await device('a');
  const b = await device('b');
  await enable(sqld.url, [a, b]);
  await agree([a, b]);
  const { deviceId } = await a.store.sync.status();
  const sql = hubReader(sqld.url);

  await sql(
    `update hub_devices set push_number = 9007199254740991, push_token = cast(x'ff' as text)`,
  );
  await sql(`update hub_meta set epoch = epoch + 1, epoch_token = 'another'`);
  await a.store.tasks.create({ prompt: 'x', workspace: '/w' });
  await agree([a, b]);

  expect((await a.store.sync.status()).deviceId).toBe(deviceId);
  expect((await b.store.tasks.list()).items).toHaveLength(1);
});

it('a device that may only read goes on reading, and says why it cannot send', async () => {
  const key = await makeHubKey();
  const sqld = await startSqld({ jwtKey: key.publicKey });
  const tokenFile = join(tempFolder(), 'token');
  writeFileSync(tokenFile, await key.token());
  const a = await device('a');
  const b = await device('b');
  await enable(sqld.url, [a, b], tokenFile);
  await agree([a, b]);
  const { deviceId } = await a.store.sync.status();

  await hubReader(sqld.url, () => key.token())(
    `update hub_devices set push_token = 'x' where id = ?`,
    deviceId,
  );
  await b.store.tasks.create({ prompt: 'of b', workspace: '/w' });
  await b.sync();
  writeFileSync(tokenFile, await key.token({ readOnly: true }));
  await a.sync();
  expect((await a.store.tasks.list()).items).toHaveLength(1);
  await a.store.tasks.create({ prompt: 'of a', workspace: '/w' });
  await expect(a.sync()).rejects.toMatchObject({ code: 'HUB_ACCESS' });
  writeFileSync(tokenFile, await key.token());
  await agree([a, b]);
  expect((await a.store.sync.status()).deviceId).toBe(deviceId);
});
