import { expect, it } from 'vitest';
import { ReadOnlyError } from '../../src/errors.ts';
import { openStore } from '../../src/index.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { startSqld } from '../support/sqld.ts';
import { tempStore } from '../support/temp-store.ts';

it('a store that was opened read-only changes nothing on a hub', async () => {
  const sqld = await startSqld();
  const { path, sync } = await tempStore();
  const reader = await openStore({ path, readOnly: true });
  const proxy = await startFaultProxy(sqld.url);
  const enabling = reader.sync.enable(proxy.url, { name: 'reader' });
  await expect(enabling).rejects.toThrow(ReadOnlyError);
  expect(proxy.happened.pass).toBe(0);
  await sync.enable(proxy.url, { name: 'writer', encryption: false });
  await sync.now();
  const asked = { ...proxy.happened };
  const { id } = (await sync.devices())[0] ?? { id: '' };
  const calls = [
    () => reader.sync.now(),
    () => reader.sync.rotateKey(),
    () => reader.sync.renameDevice(id, 'other'),
    () => reader.sync.forgetDevice(id),
    () => reader.sync.revoke(id),
    () => reader.sync.disable(),
  ];
  for (const call of calls) await expect(call(), String(call)).rejects.toThrow(ReadOnlyError);
  // The list of devices was asked for.
  expect(proxy.happened).toEqual({ ...asked, pass: asked.pass + 1 });
  await reader.close();
});
