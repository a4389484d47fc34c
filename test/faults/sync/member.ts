import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { Connection, type Value } from '../../../src/db/connection.ts';
import { openStore, type EnableOptions, type Store, type SyncReport } from '../../../src/index.ts';
import { tempFolder } from '../../support/temp-store.ts';

/** A device of the group under test, with a second look at its file. */
export interface Member {
  readonly name: string;
  readonly path: string;
  readonly store: Store;
  /** The first row, as another program that reads the file sees it. */
  row(sql: string, ...params: Value[]): Value[] | undefined;
  rows(sql: string, ...params: Value[]): Value[][];
  /** One exchange over the public API. */
  sync(): Promise<SyncReport>;
}

/** Makes a store and turns sync on. */
export async function joinHub(
  name: string,
  url: string,
  options: EnableOptions = {},
): Promise<Member> {
  const member = await openMember(name, join(tempFolder(), 'store.db'));
  await member.store.sync.enable(url, { encryption: false, pull: 'http', name, ...options });
  return member;
}

export async function openMember(name: string, path: string): Promise<Member> {
  const store = await openStore({ path, durability: 'normal' });
  const connection = new Connection(path, { busyWaitMs: 1000, readOnly: true });
  onTestFinished(async () => {
    connection.close();
    await store.close();
  });
  return {
    name,
    path,
    store,
    row: (sql, ...params) => connection.row(sql, params),
    rows: (sql, ...params) => connection.rows(sql, params),
    sync: () => store.sync.now(),
  };
}

/** Runs the worker of a member until the test is over: from now on it exchanges by itself. */
export function work(member: Member): { stop(): Promise<void> } {
  const controller = new AbortController();
  const running = (async () => {
    for await (const _report of member.store.sync.watch({ signal: controller.signal }));
  })();
  const stop = async () => {
    controller.abort();
    await running;
  };
  onTestFinished(stop);
  return { stop };
}

/** What a member is, as the hub knows it: a fault that is no copy and no restore changes none of it. */
export function identityOf(member: Member): Record<string, Value | undefined> {
  const [device, storeId, epoch, token] =
    member.row('select d.id, s.store_id, s.epoch, s.epoch_token from device d, sync_state s') ?? [];
  return { device, storeId, epoch, token };
}
