import { spawn } from 'node:child_process';
import {
  copyFileSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Driver } from '../../../src/db/driver.ts';
import {
  ClosedError,
  HubAccessError,
  HubBusyError,
  HubUnreachableError,
} from '../../../src/errors.ts';
import { HttpHub } from '../../../src/sync/hub/http-hub.ts';
import { ReplicaHub, type ReplicaHubOptions } from '../../../src/sync/hub/replica-hub.ts';
import { builtLibrary } from '../../support/built-library.ts';
import { spoilCopying } from '../../support/copying-proxy.ts';
import { makeHubKey } from '../../support/hub-token.ts';
import { processesWith } from '../../support/open-by.ts';
import { startSqld, type SqldOptions } from '../../support/sqld.ts';
import { tempFolder } from '../../support/temp-store.ts';

const MARK = 'words-that-stand-in-the-file';
const ROWS = 2000;
/** A deadline, not a speed. */
const WAIT_MS = 60_000;
const count = [{ sql: 'select count(*), min(b) from t', params: [] }];
const everything = [[[ROWS, MARK]]];

/** A hub with a table of {@link ROWS} rows, and how to open a replica of it. */
async function setup(options: SqldOptions = {}, token?: string) {
  const sqld = await startSqld(options);
  const path = join(tempFolder(), 'replica.db');
  const writer = new HttpHub({ url: sqld.url, token: () => token });
  const table = { sql: 'create table t (a integer primary key, b text)', params: [] };
  const numbers = JSON.stringify(Array.from({ length: ROWS }, (_, i) => i));
  const rows = {
    sql: 'insert into t select value, ?2 from json_each(?1)',
    params: [numbers, MARK],
  };
  await writer.run([table, rows], 'write');
  return {
    sqld,
    path,
    writer,
    replica: (more: Partial<ReplicaHubOptions> = {}) => {
      const replica = new ReplicaHub({ path, url: sqld.url, token: () => token, ...more });
      onTestFinished(() => {
        replica.close();
      });
      return replica;
    },
  };
}

const filesOf = (path: string) =>
  readdirSync(dirname(path)).map((name) => join(dirname(path), name));

const PAGE_BYTES = 4096;

/** Where in a file of SQLite the last page begins that holds a text. */
const pageWith = (bytes: Buffer, text: string) => {
  const at = bytes.lastIndexOf(text);
  if (at < PAGE_BYTES) throw new Error(`no page after the first holds ${text}`);
  return at - (at % PAGE_BYTES);
};

describe('ReplicaHub', () => {
  it('reads from the file alone: also while the hub is gone', async () => {
    const { sqld, replica } = await setup();
    const hub = replica();
    await hub.sync();
    await sqld.kill();
    expect(await hub.run(count, 'read')).toEqual(everything);
    await expect(hub.sync()).rejects.toThrow(HubUnreachableError);
  });

  it('copies what came since', async () => {
    const { writer, replica } = await setup();
    const hub = replica();
    await hub.sync();
    await writer.run([{ sql: 'insert into t values (-1, null)', params: [] }], 'write');
    expect(await hub.run(count, 'read')).toEqual(everything);
    await hub.sync();
    expect(await hub.run(count, 'read')).toEqual([[[ROWS + 1, MARK]]]);
  });

  it('writes nothing to the hub', async () => {
    const { writer, replica } = await setup();
    const hub = replica();
    await hub.sync();
    const insert = [{ sql: 'insert into t values (-1, null) returning a', params: [] }];
    await expect(hub.run(insert, 'write')).rejects.toThrow('a replica is for reading');
    await expect(hub.run(insert, 'read')).rejects.toMatchObject({ code: 'HUB_REFUSED' });
    expect(await writer.run(count, 'read')).toEqual(everything);
    expect(await hub.run(count, 'read')).toEqual(everything);
  });

  it('keeps its files to the user alone, and removes all of them', async () => {
    const { path, replica } = await setup();
    const hub = replica();
    await hub.sync();
    await hub.run(count, 'read');
    expect(filesOf(path).length).toBeGreaterThan(2);
    for (const file of filesOf(path)) expect(statSync(file).mode & 0o777, file).toBe(0o600);
    hub.remove();
    for (const file of filesOf(path)) expect(file).toContain('-lock');
    await hub.sync();
    expect(await hub.run(count, 'read')).toEqual(everything);
  });

  it('hides what it holds under a key, and makes a file under another key anew', async () => {
    const { path, replica } = await setup();
    const plain = () => filesOf(path).some((file) => readFileSync(file).includes(MARK));
    const open = async (encryptionKey?: string) => {
      const hub = replica({ encryptionKey });
      await hub.sync();
      expect(await hub.run(count, 'read')).toEqual(everything);
      hub.close();
    };
    await open('first key');
    expect(plain()).toBe(false);
    await open('first key');
    await open('second key');
    expect(plain()).toBe(false);
    await open();
    expect(plain()).toBe(true);
  });

  it.each<[string, (path: string) => void]>([
    [
      'lacks its index',
      (path) => {
        rmSync(`${path}-client_wal_index`);
      },
    ],
    [
      'has nothing but its index',
      (path) => {
        rmSync(path);
        rmSync(`${path}-wal`);
      },
    ],
    [
      'has a log that is cut',
      (path) => {
        truncateSync(path, 0);
        truncateSync(`${path}-wal`, 0);
      },
    ],
    [
      'was cut to nothing',
      (path) => {
        truncateSync(path, 0);
      },
    ],
    [
      'is no database',
      (path) => {
        writeFileSync(path, 'x'.repeat(9000));
        rmSync(`${path}-wal`);
      },
    ],
  ])('makes a file anew that %s', async (_, damage) => {
    const { path, replica } = await setup();
    const before = replica();
    await before.sync();
    const copy = join(tempFolder(), 'copy.db');
    for (const file of filesOf(path)) copyFileSync(file, file.replace(path, copy));
    damage(copy);

    const hub = replica({ path: copy });
    await hub.sync();
    expect(await hub.run(count, 'read')).toEqual(everything);
  });

  it('makes a file anew whose damage shows only when it is read', async () => {
    const { path, replica } = await setup();
    const hub = replica();
    await hub.sync();
    for (const file of [path, `${path}-wal`]) {
      const bytes = readFileSync(file);
      writeFileSync(file, bytes.fill(0x5a, Math.min(bytes.length, 6000)));
    }
    hub.close();
    const again = replica();
    await again.sync();
    expect(await again.run(count, 'read')).toEqual(everything);
  });

  it('says so when it is damaged however often it is made, as the file of the hub is', async () => {
    const { sqld, replica } = await setup();
    await sqld.stop();
    const folder = join(sqld.dir, 'db', 'dbs', 'default');
    const file = join(folder, 'data');
    const database = new Driver(file);
    database.pragma('wal_checkpoint(TRUNCATE)');
    database.close();
    const page = pageWith(readFileSync(file), MARK);
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.fill(0x5a, page, page + PAGE_BYTES));
    // Taken for a crash, after which the server makes its log anew from the file.
    writeFileSync(join(folder, '.sentinel'), '');
    await sqld.restart();
    const hub = replica();
    await hub.sync();
    await expect(hub.run(count, 'read')).rejects.toThrow(HubBusyError);
    await expect(hub.run(count, 'read')).rejects.toThrow('damaged however new');
  });

  it('says at once that the token is wrong, and takes a renewed one', async () => {
    const [key, nextKey] = [await makeHubKey(), await makeHubKey()];
    const keyFile = join(tempFolder(), 'key.pem');
    writeFileSync(keyFile, key.publicKey);
    let token = await key.token();
    const { sqld, replica } = await setup({ extraArgs: ['--auth-jwt-key-file', keyFile] }, token);
    const hub = replica({ token: () => token });
    await hub.sync();
    for (const wrong of [undefined, 'wrong', 'not\nsound']) {
      const other = replica({ path: join(tempFolder(), 'replica.db'), token: () => wrong });
      await expect(other.sync()).rejects.toThrow(HubAccessError);
    }

    writeFileSync(keyFile, nextKey.publicKey);
    await sqld.restart();
    await expect(hub.sync()).rejects.toThrow(HubAccessError);
    token = await nextKey.token({ readOnly: true });
    await hub.sync();
    expect(await hub.run(count, 'read')).toEqual(everything);
  });

  it.each([
    ['asks to wait while the hub compacts its log', 'not found', HubBusyError],
    ['says that the hub cannot be reached when the copying breaks off', 'cut', HubUnreachableError],
  ] as const)('%s', async (_, fault, kind) => {
    const { sqld, replica } = await setup();
    const proxy = await spoilCopying(sqld.url, fault);
    const hub = replica({ url: proxy.url });
    await expect(hub.sync()).rejects.toThrow(kind);
    expect(proxy.spoilt()).toBeGreaterThan(0);

    proxy.calm();
    await hub.sync();
    expect(await hub.run(count, 'read')).toEqual(everything);
  });

  it('gives up a copying that goes silent in the middle, and goes on with it', async () => {
    const { sqld, replica } = await setup();
    const proxy = await spoilCopying(sqld.url, 'silent');
    const hub = replica({ url: proxy.url, silenceMs: 5000 });
    await expect(hub.sync()).rejects.toMatchObject({
      code: 'HUB_UNREACHABLE',
      cause: { message: 'nothing new came for 5 s' },
    });
    expect(proxy.spoilt()).toBe(1);

    proxy.calm();
    await hub.sync();
    expect(await hub.run(count, 'read')).toEqual(everything);
  });

  it('is closed in the middle of a copying, and lets others in when that is over', async () => {
    const { sqld, path, replica } = await setup();
    const proxy = await spoilCopying(sqld.url, 'silent');
    const hub = replica({ url: proxy.url });
    const copying = expect(hub.sync()).rejects.toThrow(ClosedError);
    await vi.waitFor(() => {
      expect(proxy.spoilt()).toBe(1);
    }, WAIT_MS);
    const other = replica({ url: sqld.url });
    hub.close();
    expect(other.take()).toBe(false);
    await copying;
    expect(processesWith(path)).toEqual([]);
    await other.sync();
    expect(await other.run(count, 'read')).toEqual(everything);
  });

  it('leaves no process behind that copies on when its own was killed', async () => {
    const { sqld } = await setup();
    const proxy = await spoilCopying(sqld.url, 'silent');
    const path = join(tempFolder(), 'store.db');
    const script = `
      import { openStore } from ${JSON.stringify(await builtLibrary())};
      const { sync } = await openStore({ path: ${JSON.stringify(path)} });
      await sync.enable(${JSON.stringify(proxy.url)}, { encryption: false, pull: 'replica' });
      await sync.now();`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
    await vi.waitFor(() => {
      expect(proxy.spoilt()).toBe(1);
    }, WAIT_MS);
    const copy = join(dirname(path), 'hub-replica.db');
    expect(processesWith(copy)).toHaveLength(2);
    child.kill('SIGKILL');
    await vi.waitFor(() => {
      expect(processesWith(copy)).toEqual([]);
    }, WAIT_MS);
  });

  it('copies on when the process that copies has died', async () => {
    const { path, writer, replica } = await setup();
    const hub = replica();
    await hub.sync();
    const [copying] = processesWith(path).filter((pid) => pid !== process.pid);
    process.kill(Number(copying), 'SIGKILL');
    await vi.waitFor(() => {
      expect(processesWith(path)).toEqual([process.pid]);
    }, WAIT_MS);
    await writer.run([{ sql: 'insert into t values (-1, null)', params: [] }], 'write');
    await hub.sync();
    expect(await hub.run(count, 'read')).toEqual([[[ROWS + 1, MARK]]]);
  });

  it('lets nobody else at the file until it is closed', async () => {
    const { sqld, path, replica } = await setup();
    const hub = replica();
    await hub.sync();
    const other = new ReplicaHub({ path, url: sqld.url, token: () => undefined });
    expect(other.take()).toBe(false);
    await expect(other.sync()).rejects.toThrow(HubBusyError);
    hub.close();
    expect(other.take()).toBe(true);
    await other.sync();
    expect(await other.run(count, 'read')).toEqual(everything);
    other.close();
  });

  it('follows a hub that was wiped', async () => {
    const { sqld, writer, replica } = await setup();
    const hub = replica();
    await hub.sync();
    await sqld.stop();
    rmSync(join(sqld.dir, 'db'), { recursive: true });
    await sqld.restart();
    await writer.run([{ sql: 'create table other (a)', params: [] }], 'write');
    await hub.sync();
    const tables = [{ sql: 'select name from sqlite_schema', params: [] }];
    expect(await hub.run(tables, 'read')).toEqual([[['other']]]);
  });
});
