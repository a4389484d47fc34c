import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { HubRefusedError, HubTooLargeError } from '../../../src/errors.ts';
import { HttpHub } from '../../../src/sync/hub/http-hub.ts';
import type { Hub, HubStatement, HubValue } from '../../../src/sync/hub/hub.ts';
import { ReplicaHub } from '../../../src/sync/hub/replica-hub.ts';
import { FileHub } from '../../support/file-hub.ts';
import { launchSqld, type Sqld } from '../../support/sqld.ts';
import { tempFolder } from '../../support/temp-store.ts';

/** Where the statements are written, and where they are read: the same place but for the replica. */
interface Ways {
  readonly writer: Hub;
  /** What was written before can be read there once this resolves. */
  readonly reader: () => Promise<Hub>;
}

let sqld: Sqld;
beforeAll(async () => {
  sqld = await launchSqld();
});
afterAll(() => sqld.discard());

const ways = {
  HttpHub(): Ways {
    const hub = opened(new HttpHub({ url: sqld.url, token: () => undefined }));
    return { writer: hub, reader: () => Promise.resolve(hub) };
  },
  FileHub(): Ways {
    const hub = opened(new FileHub({ path: join(tempFolder(), 'hub.db') }));
    return { writer: hub, reader: () => Promise.resolve(hub) };
  },
  ReplicaHub(): Ways {
    const writer = opened(new HttpHub({ url: sqld.url, token: () => undefined }));
    const path = join(tempFolder(), 'replica.db');
    const replica = opened(new ReplicaHub({ path, url: sqld.url, token: () => undefined }));
    return {
      writer,
      async reader() {
        await replica.sync();
        return replica;
      },
    };
  },
};

function opened<T extends Hub>(hub: T): T {
  onTestFinished(() => {
    hub.close();
  });
  return hub;
}

let tables = 0;
/** A table of its own for each test: they share one hub. */
async function setup(way: keyof typeof ways, columns: string) {
  const { writer, reader } = ways[way]();
  const table = `t${tables++}`;
  await writer.run([statement(`create table ${table} (${columns}) strict`)], 'write');
  return {
    table,
    write: (...statements: HubStatement[]) => writer.run(statements, 'write'),
    read: async (...statements: HubStatement[]) => (await reader()).run(statements, 'read'),
  };
}

const statement = (sql: string, ...params: HubValue[]): HubStatement => ({ sql, params });

const values: Record<string, HubValue> = {
  null: null,
  'the largest integer': Number.MAX_SAFE_INTEGER,
  'the smallest integer': Number.MIN_SAFE_INTEGER,
  zero: 0,
  'a negative integer': -42,
  'a fraction': 0.1,
  'a large float': 1.5e300,
  'empty text': '',
  'text of many scripts': 'Grüße 👩‍👩‍👧 漢字 \u2028 "quoted" \\ \t\n',
  'a long text': 'ä'.repeat(500_000),
  'text with a byte order mark': '\ufeffmarked',
  'text with a NUL': 'before\0after',
  'an empty blob': new Uint8Array(),
  'a blob of every byte': Uint8Array.from({ length: 256 }, (_, i) => i),
  'a blob of 1 MiB': new Uint8Array(1 << 20).fill(0xa5),
};

describe.each(['HttpHub', 'FileHub', 'ReplicaHub'] as const)('%s', (way) => {
  it('brings back every kind of value as it went in', async () => {
    const { table, write, read } = await setup(way, 'name text primary key, value any');
    const inserts = Object.entries(values).map(([name, value]) =>
      statement(`insert into ${table} values (?1, ?2)`, name, value),
    );
    await write(...inserts);

    const [rows] = await read(statement(`select name, value from ${table} order by rowid`));
    expect(rows?.map(([name]) => name)).toEqual(Object.keys(values));
    for (const [name, value] of rows ?? []) {
      // Not `toEqual` of long values: it compares them byte by byte, for seconds.
      expect(isDeepStrictEqual(value, values[String(name)]), String(name)).toBe(true);
    }
  });

  it('stores whole numbers as integers and others as reals', async () => {
    const { table, write, read } = await setup(way, 'value any');
    await write(statement(`insert into ${table} values (?1), (?2)`, 5, 0.5));

    const [rows] = await read(statement(`select typeof(value) from ${table}`));
    expect(rows).toEqual([['integer'], ['real']]);
  });

  it('replaces a lone surrogate, and refuses nothing for it', async () => {
    const { table, write, read } = await setup(way, 'value text');
    await write(statement(`insert into ${table} values (?1)`, 'a\ud800b'));

    const [rows] = await read(statement(`select value from ${table}`));
    expect(rows).toEqual([['a\ufffdb']]);
  });

  it('reads bad text as a blob without failing the page', async () => {
    const { table, write, read } = await setup(way, 'value text');
    await write(statement(`insert into ${table} values (cast(x'61ff62' as text)), ('good')`));

    const [rows] = await read(statement(`select cast(value as blob) from ${table}`));
    expect(rows).toEqual([[Uint8Array.of(0x61, 0xff, 0x62)], [new TextEncoder().encode('good')]]);
  });

  it('answers each statement with its own rows', async () => {
    const { table, write, read } = await setup(way, 'a integer, b text');
    const written = await write(
      statement(`insert into ${table} values (1, 'one')`),
      statement(`select b from ${table}`),
      statement(`insert into ${table} values (2, 'two') returning a, b`),
    );
    expect(written).toEqual([[], [['one']], [[2, 'two']]]);

    const rows = await read(
      statement(`select a from ${table} where a > ?1`, 5),
      statement(`select count(*), max(b) from ${table}`),
    );
    expect(rows).toEqual([[], [[2, 'two']]]);
  });

  it('undoes all of a transaction of which one statement fails, and goes on', async () => {
    const { table, write, read } = await setup(way, 'a integer primary key');
    await write(statement(`insert into ${table} values (1)`));

    const failing = write(
      statement(`insert into ${table} values (2)`),
      statement(`insert into ${table} values (1)`),
      statement(`insert into ${table} values (3)`),
    );
    await expect(failing).rejects.toThrow(HubRefusedError);

    await write(statement(`insert into ${table} values (4)`));
    expect(await read(statement(`select a from ${table}`))).toEqual([[[1], [4]]]);
  });

  it('reads all statements of a call from one snapshot', async () => {
    const { table, write, read } = await setup(way, 'a integer');
    await write(statement(`insert into ${table} values (0)`));
    const count = statement(`select sum(a) from ${table}`);

    const edits = async () => {
      for (let i = 0; i < 20; i++) await write(statement(`update ${table} set a = a + 1`));
    };
    const reads = async () => {
      for (let i = 0; i < 20; i++) {
        const [first, second] = await read(count, count);
        expect(second).toEqual(first);
      }
    };
    await Promise.all([edits(), reads()]);
  });

  it('takes many rows as one JSON text, with payloads cut from one blob', async () => {
    const { table, write, read } = await setup(way, 'id text primary key, payload blob');
    const rows = Array.from({ length: 3000 }, (_, i) => ({
      id: `row-${i}-${'x'.repeat(350)}`,
      payload: new Uint8Array(i % 400).fill(i % 256),
    }));
    let offset = 0;
    const list = rows.map(({ id, payload }) => {
      offset += payload.length;
      return [id, offset - payload.length, payload.length];
    });
    const json = JSON.stringify(list);
    expect(json.length).toBeGreaterThan(1_000_000);
    await write(
      statement(
        `insert into ${table} select value ->> 0, substr(?2, (value ->> 1) + 1, value ->> 2) from json_each(?1)`,
        json,
        new Uint8Array(Buffer.concat(rows.map(({ payload }) => payload))),
      ),
    );

    const [read1] = await read(statement(`select id, payload from ${table} order by rowid`));
    const expected = rows.map(({ id, payload }) => [id, payload]);
    expect(isDeepStrictEqual(read1, expected)).toBe(true);
  });

  it('replaces a row only where its version is higher, and says which it replaced', async () => {
    const { table, write, read } = await setup(
      way,
      'id text primary key, version text, seq integer',
    );
    const upsert = (rows: string[][]) =>
      statement(
        `insert into ${table} select value ->> 0, value ->> 1, key from json_each(?1) where true
           on conflict (id) do update set version = excluded.version, seq = excluded.seq
           where excluded.version > version returning id`,
        JSON.stringify(rows),
      );
    await write(upsert([['a', '1'], ['b', '5']])); // prettier-ignore

    expect(await write(upsert([['a', '2'], ['b', '4'], ['c', '1']]))).toEqual([[['a'], ['c']]]); // prettier-ignore
    expect(await read(statement(`select id, version from ${table} order by id`))).toEqual([
      [['a', '2'], ['b', '5'], ['c', '1']], // prettier-ignore
    ]);
  });

  it('tells the time of the hub in seconds as a real number', async () => {
    const { read } = await setup(way, 'a integer');
    const [[[seconds, kind] = []] = []] = await read(
      statement(`select unixepoch('subsec'), typeof(unixepoch('subsec'))`),
    );
    expect(kind).toBe('real');
    expect(Math.abs(Number(seconds) * 1000 - Date.now())).toBeLessThan(60_000);
  });

  it('refuses a statement that is wrong, and goes on', async () => {
    const { read } = await setup(way, 'a integer');
    await expect(read(statement('select * from no_such_table'))).rejects.toThrow(HubRefusedError);
    await expect(read(statement('selec'))).rejects.toThrow(HubRefusedError);
    expect(await read(statement('select 1'))).toEqual([[[1]]]);
  });

  it('rejects once it is closed', async () => {
    const { reader } = ways[way]();
    const hub = await reader();
    hub.close();
    await expect(hub.run([statement('select 1')], 'read')).rejects.toMatchObject({
      code: 'CLOSED',
    });
    hub.close();
  });
});

describe.each(['HttpHub', 'FileHub'] as const)('%s', (way) => {
  it('says that a value is too large, and keeps nothing of its transaction', async () => {
    const { table, write, read } = await setup(way, 'a any');
    const large = write(
      statement(`insert into ${table} values (1)`),
      statement(`insert into ${table} values (?1)`, new Uint8Array(5_000_001)),
    );
    await expect(large).rejects.toThrow(HubTooLargeError);
    expect(await read(statement(`select count(*) from ${table}`))).toEqual([[[0]]]);
  });

  it('says that the answer is too large, and undoes what came before it', async () => {
    const { table, write, read } = await setup(way, 'a blob');
    await write(statement(`insert into ${table} values (?1)`, new Uint8Array(4_000_000)));
    const large = write(
      statement(`insert into ${table} select a from ${table}`),
      statement(`insert into ${table} select a from ${table}`),
      statement(`select a from ${table}`),
    );
    await expect(large).rejects.toThrow(HubTooLargeError);
    expect(await read(statement(`select count(*) from ${table}`))).toEqual([[[1]]]);
  });
});

describe('FileHub', () => {
  it('tells the time that it is given', async () => {
    const path = join(tempFolder(), 'hub.db');
    const hub = opened(new FileHub({ path, now: () => 1_732_390_000_123 }));
    const [[[seconds, kind] = []] = []] = await hub.run(
      [statement(`select unixepoch('subsec'), typeof(unixepoch('subsec'))`)],
      'read',
    );
    expect(kind).toBe('real');
    expect(Math.round(Number(seconds) * 1000)).toBe(1_732_390_000_123);
  });
});
