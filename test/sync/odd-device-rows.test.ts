import { describe, expect, it } from 'vitest';
import { agree, device, enable, type Device } from '../faults/devices/group.ts';
import { hubReader } from '../faults/sync/checkers.ts';
import { HubRefusedError } from '../../src/errors.ts';
import { readDevices } from '../../src/sync/devices.ts';
import { readMeta } from '../../src/sync/hub-meta.ts';
import { startSqld } from '../support/sqld.ts';

async function group() {
  const sqld = await startSqld();
  const [a, b] = [await device('a'), await device('b')];
  await enable(sqld.url, [a, b]);
  await a.store.tasks.create({ prompt: 'at first' });
  await agree([a, b]);
  return { a, b, ask: hubReader(sqld.url) };
}

async function expectGoesOn(a: Device, b: Device): Promise<void> {
  await a.store.tasks.create({ prompt: 'goes on' });
  await agree([a, b]);
  const prompts = (await b.store.tasks.list()).items.map(({ prompt }) => prompt).sort();
  expect(prompts).toEqual(['at first', 'goes on']);
}

const BROKEN = `cast(x'6bff00c328' as text)`;
const ESCAPES = `'x' || char(27) || ']0;pwned' || char(7) || char(10) || char(8238) || 'y'`;
const LONG = `replace(hex(zeroblob(400000)), '0', 'n')`;

const ROWS: readonly (readonly [string, string])[] = [
  ['a time past 2^53', `('odd', 'odd', 'linux', null, null, 9223372036854775807, null)`],
  ['a time before all', `('odd', 'odd', 'linux', null, null, -9223372036854775808, null)`],
  ['a revocation past 2^53', `('odd', 'odd', 'linux', null, null, 5, 9223372036854775807)`],
  ['numbers past 2^53', `('odd', 'odd', 'linux', 9223372036854775807, 'x', 5, null)`],
  ['broken text', `(${BROKEN}, ${BROKEN}, ${BROKEN}, 1, ${BROKEN}, 5, null)`],
  ['control characters', `(${ESCAPES}, ${ESCAPES}, ${ESCAPES}, null, null, 5, null)`],
  ['nothing to be seen', `(char(27), char(27), char(27), null, null, 5, null)`],
  ['long text', `(${LONG}, ${LONG}, ${LONG}, null, null, 5, null)`],
  ['no id', `('', 'odd', 'linux', null, null, 5, null)`],
];

describe('a row of a device that no device wrote', () => {
  it.each(ROWS)('stops nobody and can be forgotten (%s)', async (_, values) => {
    const { a, b, ask } = await group();
    await ask(`insert into hub_devices values ${values}`);

    await expectGoesOn(a, b);

    const listed = await a.store.sync.devices();
    expect(listed).toHaveLength(3);
    const odd = listed.find(({ name }) => name !== 'a' && name !== 'b');
    if (!odd) throw new Error('it is not listed');
    expect(Date.parse(odd.seenAt)).not.toBeNaN();
    expect(odd.id).toMatch(/^[!-~]{1,100}$/);
    for (const text of [odd.name, odd.platform]) {
      expect(text).not.toMatch(/[\p{Cc}\u202e\ufffd]/u);
      expect(text.length).toBeGreaterThan(0);
      expect(text.length).toBeLessThanOrEqual(100);
    }
    expect((await b.store.sync.status()).devices).toHaveLength(3);
    await a.store.sync.forgetDevice(odd.id);
    expect((await a.store.sync.devices()).map(({ name }) => name).sort()).toEqual(['a', 'b']);
  });

  it('that is the own one is set right, and makes no new device of it', async () => {
    const { a, b, ask } = await group();
    const { deviceId } = await b.store.sync.status();
    await ask(
      `update hub_devices set push_number = 9223372036854775807, push_token = ${BROKEN} where id = ?`,
      deviceId,
    );
    await expectGoesOn(a, b);
    expect((await b.store.sync.status()).deviceId).toBe(deviceId);
  });

  it('that says a device was revoked revokes it, whatever the time', async () => {
    const { b, ask } = await group();
    const { deviceId } = await b.store.sync.status();
    await ask('update hub_devices set revoked_at = 9223372036854775807 where id = ?', deviceId);
    await expect(b.sync()).rejects.toMatchObject({ code: 'DEVICE_REVOKED' });
  });
});

describe('the token of a state that no push made', () => {
  it.each([BROKEN, ESCAPES, LONG, `'plain' || char(0) || 'x'`])(
    'stops nobody (%s)',
    async (token) => {
      const { a, b, ask } = await group();
      await ask(`update hub_commits set token = ${token}`);
      await expectGoesOn(a, b);
    },
  );
});

it('an answer to another question is no list of devices with times that cannot be, and no hub', async () => {
  const odd = [1e300, 'x', Number.NaN, -1, new Uint8Array(3)] as const;
  const rows = odd.map((value) => [Buffer.from('id'), 'name', 'linux', value, value]);
  const hub = { run: () => Promise.resolve([rows]), close: () => undefined };
  for (const { seenAt, revokedAt } of await readDevices(hub)) {
    expect([seenAt, revokedAt]).toEqual([0, 0]);
  }
  expect(() => readMeta(rows)).toThrow(HubRefusedError);
});
