import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { StoreError, type EnableOptions } from '../../../src/index.ts';
import { openEntry } from '../../../src/sync/apply/open-entry.ts';
import { HttpHub } from '../../../src/sync/hub/http-hub.ts';
import type { HubRow } from '../../../src/sync/hub/hub.ts';
import { toEntry } from '../../../src/sync/pull-statements.ts';
import type { BaseLoad } from './base-load.ts';
import { joinHub, type Member } from './member.ts';

/** A deadline, not a speed. */
const REST_MS = 180_000;

interface Group {
  readonly load: BaseLoad;
  readonly members: readonly Member[];
  /** The hub itself, not the proxy. */
  readonly url: string;
  /** As the members joined. */
  readonly options?: EnableOptions;
  readonly token?: () => Promise<string>;
  /** `now`: exchanges are asked for; `itself`: workers are running, and have to do it alone. */
  readonly by?: 'now' | 'itself';
}

/** After the fault has passed: comes to rest, and then everything must hold (C1 to C5, C7). */
export async function expectWhole({
  load,
  members,
  url,
  options,
  token,
  by,
}: Group): Promise<void> {
  await comeToRest(members, by ?? 'now');
  const ask = hubReader(url, token);
  await checkHub(ask);
  // C6: whoever comes now finds all of it on the hub alone.
  const fresh = await joinHub('fresh', url, options);
  await fresh.sync();
  const digests = [];
  for (const member of [...members, fresh]) {
    await load.check(member);
    expect(await member.store.sync.parked(), member.name).toEqual([]);
    expect(member.row('pragma integrity_check')).toEqual(['ok']);
    // What was pulled is indexed by the worker, which most tests here do without.
    const check = await member.store.check();
    expect(check.checks.filter(({ ok, name }) => !ok && name !== 'search index')).toEqual([]);
    digests.push((await member.store.sync.verify()).tables);
  }
  for (const digest of digests) expect(digest).toEqual(digests[0]);
}

/** C5: nothing unsent and nothing unread anywhere, in the end. */
async function comeToRest(members: readonly Member[], by: 'now' | 'itself'): Promise<void> {
  const until = Date.now() + REST_MS;
  for (;;) {
    if (by === 'now') for (const member of members) await tryToSync(member);
    const states = await Promise.all(members.map(stateOf));
    const [first] = states;
    if (states.every(({ pending, digest }) => pending === 0 && digest === first?.digest)) return;
    expect(Date.now(), JSON.stringify(states)).toBeLessThan(until);
    if (by === 'itself') await sleep(100);
  }
}

/** What may be tried again is tried again. */
async function tryToSync(member: Member): Promise<void> {
  await member.sync().catch((error: unknown) => {
    if (!(error instanceof StoreError && error.retryable)) throw error;
  });
}

async function stateOf({ name, store }: Member) {
  const { pendingRows: pending, lastError } = await store.sync.status();
  return { name, pending, lastError, digest: (await store.sync.verify()).digest };
}

/** Asks the hub past the devices. */
export function hubReader(
  url: string,
  token: () => Promise<string | undefined> = () => Promise.resolve(undefined),
): (sql: string, ...params: string[]) => Promise<HubRow[]> {
  const hub = new HttpHub({ url, token });
  onTestFinished(() => {
    hub.close();
  });
  return async (sql, ...params) => {
    const mode = /^\s*(select|pragma)/i.test(sql) ? 'read' : 'write';
    return (await hub.run([{ sql, params }], mode))[0] ?? [];
  };
}

type AskHub = ReturnType<typeof hubReader>;

/** C7 on the hub: a sound file, numbers that agree, and every payload is what its key says. */
async function checkHub(ask: AskHub): Promise<void> {
  expect(await ask('pragma integrity_check')).toEqual([['ok']]);
  const [meta] = await ask(
    `select head, coalesce((select max(seq) from hub_entries), 0), key_check,
       (select count(*) from hub_commits), (select count(distinct token) from hub_commits),
       (select max(head) from hub_commits) from hub_meta`,
  );
  const [head, last, keyCheck, commits, tokens, latest] = meta ?? [];
  expect(Number(last)).toBeLessThanOrEqual(Number(head));
  expect(latest).toBe(head);
  expect(tokens).toBe(commits);
  if (keyCheck !== 'none') return;
  for (let cursor = 0; cursor < Number(last);) {
    const rows = await ask(
      `select seq, table_name, id, register, version, key_number, schema, payload from (
         select *, sum(length(payload)) over (order by seq) as bytes from hub_entries
         where seq > ${cursor} and table_name <> 'chunks' order by seq limit 500
       ) where bytes < 8000000`,
    );
    if (rows.length === 0) break;
    const now = { nowMs: Date.now(), floorMs: 0 };
    const wrong = rows
      .map(toEntry)
      .filter((entry) => openEntry(null, entry, now).kind === 'parked');
    expect(wrong.map(({ table, id, register }) => `${table} ${id} ${register}`)).toEqual([]);
    cursor = Number(rows.at(-1)?.[0]);
  }
}
