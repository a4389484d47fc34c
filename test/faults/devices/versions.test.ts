import { describe, expect, it } from 'vitest';
import { HttpHub } from '../../../src/sync/hub/http-hub.ts';
import type { HubValue } from '../../../src/sync/hub/hub.ts';
import { startSqld } from '../../support/sqld.ts';
import { agree, device } from './group.ts';

// Rows 27 and 28 of the fault matrix: old and new versions of this library in one group.
async function clearGroup() {
  const sqld = await startSqld();
  const a = await device('a');
  const b = await device('b');
  for (const { name, store } of [a, b]) {
    await store.sync.enable(sqld.url, { name, encryption: false, pull: 'http' });
  }
  const hub = new HttpHub({ url: sqld.url, token: () => undefined });
  const sql = async (text: string, ...params: HubValue[]) =>
    (await hub.run([{ sql: text, params }], 'write'))[0] ?? [];
  return { a, b, sql, url: sqld.url };
}

/** The title of a session as the hub holds it, without encryption: a byte that says how, and JSON. */
const TITLE = `from hub_entries where table_name = 'sessions' and register = 'title'`;

describe('versions of this library in one group', () => {
  it('that do not know a column keep it, and send it on with their own edits', async () => {
    const { a, b, sql } = await clearGroup();
    const { id } = await a.store.sessions.create({ title: 'old', workspace: '/w' });
    await agree([a, b]);
    // A newer version writes a column of which this one has never heard.
    const [[payload, version]] = (await sql(`select payload, version ${TITLE}`)) as [
      [Uint8Array, string],
    ];
    const json = JSON.parse(Buffer.from(payload).subarray(1).toString('utf8')) as {
      c: Record<string, unknown>;
    };
    json.c = { title: 'new', colour: 'green' };
    const newer = `${version.slice(0, 11)}f${version.slice(12)}`;
    await sql(
      `update hub_entries set seq = (select head + 1 from hub_meta), version = ?, payload = ?
       where table_name = 'sessions' and register = 'title'`,
      newer > version
        ? newer
        : version.replace(/^.{12}/, (ms) =>
            (BigInt(`0x${ms}`) + 1n).toString(16).padStart(12, '0'),
          ),
      Buffer.concat([Buffer.of(0), Buffer.from(JSON.stringify(json))]),
    );
    await sql('update hub_meta set head = head + 1');
    await sql('insert into hub_commits (head, token) select head, ? from hub_meta', 'newer');
    await agree([a, b]);
    expect((await a.store.sessions.get(id)).title).toBe('new');
    await a.store.sessions.rename(id, 'renamed by the old version');
    await agree([a, b]);
    const [[sent]] = (await sql(`select payload ${TITLE}`)) as [[Uint8Array]];
    const text = Buffer.from(sent).subarray(1).toString('utf8');
    expect(JSON.parse(text)).toMatchObject({
      c: { title: 'renamed by the old version', colour: 'green' },
    });
  });

  it('that do not understand an entry set it aside, and a local edit of it waits', async () => {
    const { a, b, sql } = await clearGroup();
    const { id } = await a.store.sessions.create({ title: 'old', workspace: '/w' });
    await agree([a, b]);
    await sql(
      `update hub_entries set seq = (select head + 1 from hub_meta), schema = 2,
         version = printf('%012x', unixepoch('subsec') * 1000 + 1000) || substr(version, 13)
       where table_name = 'sessions' and register = 'title'`,
    );
    await sql('update hub_meta set head = head + 1');
    await sql('insert into hub_commits (head, token) select head, ? from hub_meta', 'newer');
    await a.sync();
    expect((await a.store.sync.parked()).map(({ reason }) => reason)).toEqual(['schema']);
    await a.store.sessions.rename(id, 'edited meanwhile');
    await a.sync();
    await a.store.tasks.create({ prompt: 'others go on' });
    await a.sync();
    await b.sync();
    expect((await b.store.tasks.list()).items).toHaveLength(1);
    const [[schema]] = (await sql(`select schema ${TITLE}`)) as [[number]];
    expect(schema).toBe(2);
    expect((await a.store.sync.status()).pendingRows).toBe(1);
  });

  it('refuse a hub that speaks a newer protocol, and send nothing', async () => {
    const { a, b, sql } = await clearGroup();
    await agree([a, b]);
    await sql('update hub_meta set protocol = 2');
    await a.store.tasks.create({ prompt: 'stays here' });
    const before = await sql('select count(*) from hub_entries');
    await expect(a.sync()).rejects.toMatchObject({ code: 'HUB_NEWER' });
    expect(await sql('select count(*) from hub_entries')).toEqual(before);
    expect((await a.store.sync.status()).lastError?.code).toBe('HUB_NEWER');
    await sql('update hub_meta set protocol = 1');
    await agree([a, b]);
  });
});
