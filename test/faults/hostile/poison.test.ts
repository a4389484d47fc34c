import { describe, expect, it } from 'vitest';
import { HttpHub } from '../../../src/sync/hub/http-hub.ts';
import type { HubValue } from '../../../src/sync/hub/hub.ts';
import { readEverything } from '../../fuzz/read-everything.ts';
import { startSqld } from '../../support/sqld.ts';
import { device, enable } from '../devices/group.ts';

// Row 30 of the fault matrix: what no device writes, and the hub takes all the same. Without
// encryption, so that it comes past the seal to what reads it.
const VERSION = '00000000000000ff-01AAAAAAAAAAAAAAAAAAAAAAAA-000000000000';
const DEEP = 100_000;
const payload = (text: string | Buffer) => Buffer.concat([Buffer.of(0), Buffer.from(text)]);
/** A session whose title is this JSON text. */
const titled = (title: string) => payload(`{"i":"ID","c":{"title":${title}}}`);

/** Name, payload, and what is odd about the row besides; `ID` stands for the id of the row. */
const POISON: readonly [string, Buffer, { readonly [column: string]: string }?][] = [
  ['empty', Buffer.alloc(0)],
  ['malformed JSON', payload('{"i":"ID","c":{"title":"x"')],
  ['NaN in JSON', titled('NaN')],
  ['1e400, which is infinite', titled('1e400')],
  ['2^63-1 for a text', titled('9223372036854775807')],
  [
    '2^63-1 for a time',
    payload('{"i":"ID","c":{"created_at":9223372036854775807}}'),
    { register: `'details'` },
  ],
  ['invalid UTF-8', payload(Buffer.from('{"i":"ID","c":{"title":"\xff\xfe"}}', 'latin1'))],
  ['a lone surrogate', titled('"\\ud800"')],
  ['a NUL in the id', payload('{"i":"ID\\u0000","c":{"title":"x"}}'), { id: '?1 || char(0)' }],
  ['no object', payload('[]')],
  ['__proto__', payload('{"__proto__":{"i":"ID","c":{"title":"x"}}}')],
  ['a column named __proto__', payload('{"i":"ID","c":{"__proto__":"x"}}')],
  ['deep', titled('['.repeat(DEEP) + ']'.repeat(DEEP))],
  [
    'a deep body',
    payload(JSON.stringify({ i: 'ID', c: {}, t: '['.repeat(DEEP) + ']'.repeat(DEEP) })),
    { register: `'details'` },
  ],
  ['unpacks to nothing', Buffer.of(1, 0xff, 0xff)],
  ['invalid UTF-8 in the register', titled('"x"'), { register: `cast(x'ff00fe' as text)` }],
  ['a NUL in the register', titled('"x"'), { register: `'tit' || char(0) || 'le'` }],
  ['a version of another form', titled('"x"'), { version: `'zzzz'` }],
  ['a schema of 2^53', titled('"x"'), { schema: '9007199254740990' }],
  ['a key number of 2^53', titled('"x"'), { key_number: '9007199254740990' }],
];

describe('poison on the hub', () => {
  it('is set aside with its reason, and everything else flows', async () => {
    const sqld = await startSqld();
    const [a, b] = [await device('a'), await device('b')];
    await a.store.sync.enable(sqld.url, { name: 'a', encryption: false, pull: 'http' });
    await a.store.tasks.create({ id: 'before', prompt: 'before', workspace: '/w' });
    await a.sync();
    const hub = new HttpHub({ url: sqld.url, token: () => undefined });
    const run = (sql: string, ...params: HubValue[]) => hub.run([{ sql, params }], 'write');
    for (const [i, [, bytes, odd = {}]] of POISON.entries()) {
      const id = `poison-${i}`;
      const text = bytes.toString('latin1').replace('ID', id);
      const {
        register = `'title'`,
        id: own = '?1',
        version = '?2',
        payload = '?3',
        schema = '1',
        key_number: key = '0',
      } = odd;
      await run(
        `insert into hub_entries (seq, table_name, id, register, version, key_number, schema, payload)
         select (select max(m.head, coalesce((select max(seq) from hub_entries), 0)) + 1 from hub_meta m),
           'sessions', ${own}, ${register}, ${version}, ${key}, ${schema}, ${payload} where ?2 is not null and ?3 is not null`,
        id,
        VERSION,
        Buffer.from(text, 'latin1'),
      );
    }
    await run('update hub_meta set head = (select max(seq) from hub_entries)');
    const [count] = await run(`select count(*) from hub_entries where id like 'poison-%'`);
    expect(count).toEqual([[POISON.length]]);
    await run(`insert into hub_commits (head, token) select head, 'poison' from hub_meta`);
    await a.store.tasks.create({ id: 'after', prompt: 'after', workspace: '/w' });
    await a.sync();
    const parked = new Set((await a.store.sync.parked()).map(({ id }) => id.replace('\0', '')));
    const missing = POISON.filter((_, i) => !parked.has(`poison-${i}`)).map(([name]) => name);
    expect(missing).toEqual([]);
    await b.store.sync.enable(sqld.url, { name: 'b', encryption: false, pull: 'http' });
    await b.sync();
    // What nobody can read was taken off the hub: who comes later does not meet it.
    const met = (await b.store.sync.parked()).map(({ reason }) => reason);
    expect(new Set(met)).not.toContain('damaged');
    expect(met.length).toBeLessThan(POISON.length / 2);
    for (const { store } of [a, b]) {
      const { ids } = await readEverything(store);
      expect([...ids].sort()).toEqual(['after', 'before']);
      expect((await store.check()).ok).toBe(true);
    }
    expect((await a.store.sync.verify()).digest).toBe((await b.store.sync.verify()).digest);
    hub.close();
  });

  it.each([
    ['the key number', `head + 1, 'sessions', 'big', 'title', '', 9223372036854775807, 1, x'00'`],
    ['the schema', `head + 1, 'sessions', 'big', 'title', '', 1, 9223372036854775807, x'00'`],
    [
      'the key number, below 0',
      `head + 1, 'sessions', 'big', 'title', '', -9223372036854775808, 1, x'00'`,
    ],
    ['its place', `9223372036854775807, 'sessions', 'big', 'title', '', 1, 1, x'00'`],
  ])(
    'in a row of numbers past 2^53 does not keep others from being read: %s',
    async (_, values) => {
      const sqld = await startSqld();
      const [a, b] = [await device('a'), await device('b')];
      await enable(sqld.url, [a, b]);
      const hub = new HttpHub({ url: sqld.url, token: () => undefined });
      await a.store.tasks.create({ id: 'before', prompt: 'before', workspace: '/w' });
      await a.sync();
      const insert = `insert into hub_entries
      (seq, table_name, id, register, version, key_number, schema, payload)
      select ${values} from hub_meta`;
      await hub.run(
        [
          { sql: insert, params: [] },
          { sql: 'update hub_meta set head = head + 1', params: [] },
          { sql: `insert into hub_commits select head, 'big' from hub_meta`, params: [] },
        ],
        'write',
      );
      await a.store.tasks.create({ id: 'after', prompt: 'after', workspace: '/w' });
      await a.sync();
      await b.sync();
      expect((await b.store.tasks.list()).items.map(({ id }) => id).sort()).toEqual([
        'after',
        'before',
      ]);
      // Also past the last number that a device could ask after: it is given another place.
      expect((await a.store.sync.parked()).map((one) => one.reason)).toEqual(['removed']);
      expect(await b.store.sync.parked()).toEqual([]);
      hub.close();
    },
  );
});
