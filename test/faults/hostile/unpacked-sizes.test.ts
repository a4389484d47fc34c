import { hash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { syncOnce } from '../../../src/sync/sync-once.ts';
import { FileHub } from '../../support/file-hub.ts';
import { syncDevice, type SyncDevice } from '../../support/sync-device.ts';
import { tempFolder } from '../../support/temp-store.ts';
import { readEverything } from '../../fuzz/read-everything.ts';

// What a device with the key, or anybody where there is none, may claim of sizes.
const MIB = 1 << 20;
const VERSION = '00000000000000ff-01AAAAAAAAAAAAAAAAAAAAAAAA-000000000000';
const DEVICE = '01AAAAAAAAAAAAAAAAAAAAAAAA';

interface Forged {
  readonly table?: string;
  readonly id: string;
  readonly register?: string;
  readonly version?: string;
  readonly payload: Buffer;
}

async function setUp() {
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  const a = await syncDevice('a', hub);
  await a.store.tasks.create({ id: 'good', prompt: 'good', workspace: '/w' });
  await a.sync();
  const put = async (...entries: Forged[]) => {
    for (const {
      table = 'sessions',
      id,
      register = 'details',
      version = VERSION,
      payload,
    } of entries) {
      const insert = `insert into hub_entries
        select max(m.head, (select max(seq) from hub_entries)) + 1, ?1, ?2, ?3, ?4, 0, 1, ?5 from hub_meta m`;
      const raise = 'update hub_meta set head = (select max(seq) from hub_entries)';
      const params = [table, id, register, version, payload];
      await hub.run(
        [
          { sql: insert, params },
          { sql: raise, params: [] },
        ],
        'write',
      );
    }
    const commit = `insert into hub_commits select head, hex(randomblob(8)) from hub_meta`;
    await hub.run([{ sql: commit, params: [] }], 'write');
  };
  return { hub, a, b: await syncDevice('b', hub), put };
}

const raw = (value: object) => Buffer.concat([Buffer.of(0), Buffer.from(JSON.stringify(value))]);
const packed = (text: string | Buffer) => Buffer.concat([Buffer.of(1), deflateRawSync(text)]);
const columns = { workspace: '/w', created_at: 1 };

/** An entry whose body lies under `hash` in pieces. */
const manifest = (id: string, hash: string, size: number) =>
  raw({ i: id, c: columns, d: DEVICE, h: { hash, size, root: `sessions\n${id}` } });

async function reasons({ store }: SyncDevice): Promise<Record<string, string>> {
  return Object.fromEntries((await store.sync.parked()).map(({ id, reason }) => [id, reason]));
}

describe('sizes that somebody made up', () => {
  it('are bounded for one payload, and for all of a page that are in memory at once', async () => {
    const { b, put } = await setUp();
    const bomb = packed(Buffer.alloc(65 * MIB, 0x20));
    expect(bomb.length).toBeLessThan(100_000);
    const title = ' '.repeat(9 * MIB);
    const wide = (id: string) => packed(JSON.stringify({ i: id, c: { title } }));
    const ids = Array.from({ length: 4 }, (_, i) => `wide-${i}`);
    await put(
      { id: 'bomb', payload: bomb },
      ...ids.map((id) => ({ id, register: 'title', payload: wide(id) })),
    );
    let steps = 0;
    const rest = () => {
      steps++;
      return Promise.resolve();
    };
    await syncOnce({ ...b.exchange, pace: { stepMs: 3, rest } });
    expect(await reasons(b)).toEqual({ bomb: 'removed' });
    expect((await b.store.tasks.get('good')).prompt).toBe('good');
    // One transaction each, as no two of them are opened together.
    expect(steps).toBeGreaterThanOrEqual(ids.length);
  });

  it('of large bodies are not believed', async () => {
    const { b, put } = await setUp();
    const h = 'ab'.repeat(32);
    await put(
      { id: 'huge', payload: manifest('huge', h, Number.MAX_SAFE_INTEGER) },
      { id: 'terabyte', payload: manifest('terabyte', h, 2 ** 40) },
      {
        table: 'artifacts',
        id: 'file',
        register: 'content',
        payload: manifest('file', h, Number.MAX_SAFE_INTEGER),
      },
      { id: 'half', payload: manifest('half', h, 2 ** 28) },
      { id: 'negative', payload: manifest('negative', h, -1) },
      { id: 'fraction', payload: manifest('fraction', h, 0.5) },
    );
    await b.sync();
    expect(await reasons(b)).toEqual({
      huge: 'removed',
      terabyte: 'removed',
      file: 'removed',
      half: 'chunks',
      negative: 'removed',
      fraction: 'removed',
    });
    expect((await b.store.tasks.get('good')).prompt).toBe('good');
  });
});

describe('pieces of a large body', () => {
  const piece = (root: string, hash: string, position: number, bytes: Buffer): Forged => ({
    table: 'chunks',
    id: root,
    register: `${hash}/${position}`,
    version: '',
    payload: Buffer.concat([Buffer.of(0), bytes]),
  });
  const sha256 = (bytes: Buffer) => hash('sha256', bytes);

  it.each([
    ['no JSON', Buffer.from('no JSON at all')],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['deep', Buffer.from('['.repeat(100_000) + ']'.repeat(100_000))],
  ])('that are %s keep no list from being read', async (_, bytes) => {
    const { b, put } = await setUp();
    const root = 'sessions\nodd';
    await put(piece(root, sha256(bytes), 0, bytes), {
      id: 'odd',
      payload: manifest('odd', sha256(bytes), bytes.length),
    });
    await b.sync();
    expect(await reasons(b)).toEqual({ odd: 'invalid' });
    expect((await readEverything(b.store)).ids).toEqual(new Set(['good']));
  });

  it('that are longer than a piece, or of another body, are not kept', async () => {
    const { b, put } = await setUp();
    const text = Buffer.from(JSON.stringify('x'.repeat(3 * MIB)));
    const root = 'sessions\nlong';
    await put(piece(root, sha256(text), 0, text), {
      id: 'long',
      payload: manifest('long', sha256(text), text.length),
    });
    await b.sync();
    expect(await reasons(b)).toEqual({ long: 'chunks' });
    const count = await b.database.read((reader) =>
      reader.number('select count(*) from blob_chunks'),
    );
    expect(count).toBe(0);
  });

  it('that came under a false hash do not get into what is written here later', async () => {
    const { b, put } = await setUp();
    const content = randomBytes(1_200_000).toString('base64');
    const text = Buffer.from(
      JSON.stringify({ role: 'user', content: [{ type: 'text', text: content }] }),
    );
    const root = 'sessions\nfalse';
    await put(piece(root, sha256(text), 0, Buffer.alloc(MIB, 0x78)), {
      id: 'false',
      payload: manifest('false', sha256(text), text.length),
    });
    await b.sync();
    expect(await reasons(b)).toEqual({ false: 'chunks' });
    const { id } = await b.store.sessions.create({ title: 't', workspace: '/w' });
    await b.store.sessions.appendMessages(id, [{ role: 'user', content }]);
    const [message] = (await b.store.sessions.messages(id)).items;
    expect(message?.content).toEqual([{ type: 'text', text: content }]);
    const held = await b.database.read((reader) => reader.rows('select hash from blobs'));
    // The very body that was foretold, or the test shows nothing.
    expect(held).toEqual([[sha256(text)]]);
  });
});
