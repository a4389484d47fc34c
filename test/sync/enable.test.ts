import { chmodSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeHubKey } from '../support/hub-token.ts';
import { freePort, startSqld } from '../support/sqld.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { tempFolder, tempStore } from '../support/temp-store.ts';

function fileWith(text: string, mode = 0o600): string {
  const path = join(tempFolder(), 'secret');
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

/** A hub that wants a token, reached by two addresses. */
async function setup() {
  const key = await makeHubKey();
  const sqld = await startSqld({ jwtKey: key.publicKey });
  const tokenFile = fileWith(await key.token());
  const other = await startFaultProxy(sqld.url);
  return { url: sqld.url, otherUrl: other.url, tokenFile };
}

describe('enable', () => {
  it('keeps the token, the name, the key and the way to read of the same hub', async () => {
    const { url, tokenFile } = await setup();
    const store = await tempStore();
    const first = await store.sync.enable(url, { tokenFile, name: 'desk', pull: 'http' });
    expect(first.newKey).toBe(true);
    const key = await store.sync.exportKey();
    await store.sync.disable();

    const again = await store.sync.enable(`${url}/`);

    expect(again).toMatchObject({ deviceName: 'desk', encrypted: true, newKey: false });
    expect(await store.sync.exportKey()).toEqual(key);
    expect(await store.sync.status()).toMatchObject({ deviceName: 'desk', pull: 'http' });
    await store.sync.now();
    const renamed = await store.sync.enable(url, { name: 'attic', pull: 'auto' });
    expect(renamed.deviceName).toBe('attic');
    expect((await store.sync.status()).pull).toBe('auto');
  });

  it('keeps of another address only the name', async () => {
    const { url, otherUrl, tokenFile } = await setup();
    const store = await tempStore();
    await store.sync.enable(url, { tokenFile, name: 'desk', pull: 'http' });

    await expect(store.sync.enable(otherUrl)).rejects.toMatchObject({ code: 'HUB_ACCESS' });
    expect((await store.sync.status()).url).toBe(url);
    await store.sync.enable(otherUrl, { tokenFile });

    expect(await store.sync.status()).toMatchObject({ deviceName: 'desk', pull: 'auto' });
  });

  it('moves the group to an empty hub at another address, and says so', async () => {
    const [former, empty] = [await startSqld(), await startSqld()];
    const store = await tempStore();
    const first = await store.sync.enable(former.url, { encryption: false });
    expect(first).toMatchObject({ founded: true, moved: false });
    await store.sync.now();

    const { storeId } = first;
    const second = await store.sync.enable(empty.url, { encryption: false });

    expect(second).toMatchObject({ founded: true, moved: true, storeId });
    await store.sync.now();
    expect(await store.sync.enable(`${empty.url}/`)).toMatchObject({
      founded: false,
      moved: false,
      storeId,
    });
    expect(await store.sync.enable(former.url, { encryption: false })).toMatchObject({
      founded: false,
      moved: false,
      storeId,
    });
  });

  it.each([1, 2, 3])('founds an empty hub once, of two stores at once: round %i', async () => {
    const { url } = await startSqld();
    const stores = [await tempStore(), await tempStore()];
    const enabled = await Promise.allSettled(stores.map((store) => store.sync.enable(url)));
    const founder = stores.filter((_, i) => enabled[i]?.status === 'fulfilled');
    const other = stores.filter((_, i) => enabled[i]?.status === 'rejected');
    expect([founder.length, other.length]).toEqual([1, 1]);
    await expect(other[0]?.sync.enable(url)).rejects.toMatchObject({ code: 'SYNC_KEY' });
    await founder[0]?.tasks.create({ prompt: 'sealed' });
    expect((await founder[0]?.sync.now())?.pushed).toBeGreaterThan(0);
  });

  it('of one store at once makes keys once', async () => {
    const { url } = await startSqld();
    const store = await tempStore();
    const enabled = await Promise.all([store.sync.enable(url), store.sync.enable(url)]);
    expect(enabled.map(({ founded, newKey }) => [founded, newKey])).toEqual([
      [true, true],
      [false, false],
    ]);
    await store.tasks.create({ prompt: 'sealed' });
    expect((await store.sync.now()).pushed).toBeGreaterThan(0);
  });

  it('begins another group on an empty hub that is joined', async () => {
    const [former, empty] = [await startSqld(), await startSqld()];
    const store = await tempStore();
    const task = await store.tasks.create({ prompt: 'goes along' });
    const { storeId } = await store.sync.enable(former.url, { encryption: false });
    await store.sync.now();

    const joined = await store.sync.enable(empty.url, { encryption: false, join: true });

    expect(joined).toMatchObject({ founded: true, moved: false });
    expect(joined.storeId).not.toBe(storeId);
    await store.sync.now();
    const other = await tempStore();
    await other.sync.enable(empty.url, { encryption: false });
    await other.sync.now();
    expect((await other.tasks.get(task.id)).prompt).toBe('goes along');
  });

  it('keeps the refusal of encryption, unless it is taken back', async () => {
    const sqld = await startSqld();
    const store = await tempStore();
    await store.sync.enable(sqld.url, { encryption: false });
    expect((await store.sync.enable(sqld.url)).encrypted).toBe(false);
    const taken = store.sync.enable(sqld.url, { encryption: true });
    await expect(taken).rejects.toMatchObject({ code: 'SYNC_KEY' });
  });

  it('says that nothing was turned on where nobody answers', async () => {
    const store = await tempStore();
    const nobody = store.sync.enable(`http://127.0.0.1:${await freePort()}`);
    await expect(nobody).rejects.toMatchObject({
      code: 'HUB_UNREACHABLE',
      retryable: true,
      hint: expect.stringContaining('Nothing was turned on') as string,
    });
    expect((await store.sync.status()).enabled).toBe(false);
  });

  it.each([
    ['a web page', 200, 'text/html', '<html>secret</html>'],
    ['another answer', 200, 'application/json', '{"secret":1}'],
    ['no such page', 404, 'text/plain', 'secret'],
  ])('says that it is no hub that answers (%s)', async (_, status, type, body) => {
    const server = createServer((_request, reply) => {
      reply.writeHead(status, { 'content-type': type }).end(body);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const store = await tempStore();
    const error: unknown = await store.sync
      .enable(`http://127.0.0.1:${port}`)
      .catch((e: unknown) => e);
    expect(error).toMatchObject({
      code: 'HUB_REFUSED',
      message: expect.stringContaining('no hub at this address') as string,
      hint: expect.stringContaining('hub start') as string,
    });
    expect(String(error)).not.toContain('secret');
    expect((await store.sync.status()).enabled).toBe(false);
  });

  it('warns of files that others can read, and of a short passphrase', async () => {
    const { url, tokenFile } = await setup();
    chmodSync(tokenFile, 0o644);
    const passphraseFile = fileWith('short\n', 0o640);
    const store = await tempStore();

    const { warnings } = await store.sync.enable(url, { tokenFile, passphraseFile });

    expect(warnings).toEqual([
      `others on this machine can use the passphrase file: chmod 600 ${passphraseFile}`,
      'the passphrase has fewer than 12 characters: whoever has the hub can try all of them',
      `others on this machine can use the token file: chmod 600 ${tokenFile}`,
    ]);
    const long = fileWith('correct horse battery staple');
    expect((await store.sync.rotateKey({ passphraseFile: long })).warnings).toEqual([]);
    const keyFile = fileWith(Buffer.alloc(32, 1).toString('base64'), 0o644);
    const other = await (await tempStore()).sync.enable((await startSqld()).url, { keyFile });
    expect(other.warnings).toEqual([
      `others on this machine can use the key file: chmod 600 ${keyFile}`,
    ]);
    expect((await store.sync.rotateKey({ passphraseFile })).warnings).toHaveLength(2);
  });

  it('refuses a passphrase of nothing but blanks', async () => {
    const { url, tokenFile } = await setup();
    const store = await tempStore();
    for (const text of ['', '\n', '   \nsecond line']) {
      const empty = store.sync.enable(url, { tokenFile, passphraseFile: fileWith(text) });
      await expect(empty).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    }
  });
});
