import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Store } from '../../src/index.ts';
import { startFaultProxy, type Fault } from '../support/fault-proxy.ts';
import { makeHubKey } from '../support/hub-token.ts';
import { startSqld } from '../support/sqld.ts';
import { tempFolder, tempStore } from '../support/temp-store.ts';

const PASS: Fault = { kind: 'pass' };

function fileWith(text: string): string {
  const path = join(tempFolder(), 'secret');
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

/** How sync is set up. */
async function settingsOf({ sync }: Store): Promise<unknown> {
  const { enabled, url, deviceId, deviceName, pull } = await sync.status();
  return { enabled, url, deviceId, deviceName, pull, key: await sync.exportKey() };
}

describe('enable that fails', () => {
  it('for a token that may only read leaves sync as it was: on with the former one, or off', async () => {
    const key = await makeHubKey();
    const sqld = await startSqld({ jwtKey: key.publicKey });
    const tokenFile = fileWith(await key.token());
    const readOnly = fileWith(await key.token({ readOnly: true }));
    const [on, off] = [await tempStore(), await tempStore()];
    const options = { encryption: false, pull: 'http' } as const;
    await on.sync.enable(sqld.url, { ...options, tokenFile, name: 'desk' });
    for (const store of [on, off]) {
      const before = await settingsOf(store);
      const failing = store.sync.enable(sqld.url, { ...options, tokenFile: readOnly, name: 'x' });
      await expect(failing).rejects.toMatchObject({ code: 'HUB_ACCESS' });
      expect(await settingsOf(store)).toEqual(before);
    }
    // With the token that it had.
    await on.tasks.create({ prompt: 'goes on' });
    expect((await on.sync.now()).pushed).toBeGreaterThan(0);
    expect((await off.sync.status()).enabled).toBe(false);
  });

  it.each(['drop-request', 'drop-reply'] as const)(
    'because the hub went away after it was checked (%s) leaves the former hub',
    async (kind) => {
      const [former, other] = [await startSqld(), await startSqld()];
      const theirs = await tempStore();
      await theirs.sync.enable(other.url, { encryption: false });
      const store = await tempStore();
      await store.sync.enable(former.url, { name: 'desk', pull: 'http' });
      const before = await settingsOf(store);
      const proxy = await startFaultProxy(other.url);
      proxy.next(PASS, { kind });

      const options = { encryption: false, join: true, name: 'x' };
      await expect(store.sync.enable(proxy.url, options)).rejects.toMatchObject({
        code: 'HUB_UNREACHABLE',
        hint: expect.stringContaining('Nothing was turned on or changed') as string,
      });

      expect(proxy.happened[kind]).toBe(1);
      expect(await settingsOf(store)).toEqual(before);
      await store.tasks.create({ prompt: 'goes on' });
      expect((await store.sync.now()).pushed).toBeGreaterThan(0);
    },
  );

  // It asks, looks whether there is nothing, founds the hub, and tells the name of the device.
  it.each([2, 3])(
    'without the answer to its request %i to an empty hub locks nobody out',
    async (at) => {
      const sqld = await startSqld();
      const proxy = await startFaultProxy(sqld.url);
      const store = await tempStore();
      proxy.next(...Array<Fault>(at).fill(PASS), { kind: 'drop-reply' });
      await expect(store.sync.enable(proxy.url)).rejects.toMatchObject({ code: 'HUB_UNREACHABLE' });
      expect(proxy.happened['drop-reply']).toBe(1);
      expect((await store.sync.status()).enabled).toBe(false);

      // The key that locks the hub now went with the answer.
      expect(await store.sync.enable(proxy.url)).toMatchObject({ founded: true, newKey: true });

      await store.tasks.create({ prompt: 'sealed' });
      await store.sync.now();
      const keyFile = fileWith((await store.sync.exportKey()).phrase ?? '');
      const second = await tempStore();
      await second.sync.enable(proxy.url, { keyFile });
      expect((await second.sync.now()).applied).toBeGreaterThan(0);
    },
  );

  it('for the key takes the founding of no other device back', async () => {
    const sqld = await startSqld();
    const founder = await tempStore();
    await founder.sync.enable(sqld.url);
    // Nothing was sent yet.
    const other = await tempStore();
    await expect(other.sync.enable(sqld.url)).rejects.toMatchObject({ code: 'SYNC_KEY' });
    await founder.tasks.create({ prompt: 'sealed' });
    expect((await founder.sync.now()).pushed).toBeGreaterThan(0);
  });
});
