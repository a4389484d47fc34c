import { join } from 'node:path';
import Driver from 'libsql';
import { describe, expect, it } from 'vitest';
import { rowsById } from '../../../src/db/synced-rows.ts';
import { jobs } from '../../../src/model/registers.ts';
import { registerEntries } from '../../../src/sync/outgoing.ts';
import { FileHub } from '../../support/file-hub.ts';
import { startSqld } from '../../support/sqld.ts';
import { syncDevice } from '../../support/sync-device.ts';
import { tempFolder } from '../../support/temp-store.ts';
import { asMachine, device, enable, type Device } from '../devices/group.ts';

/** Rows as no import makes them any more, and earlier ones did. */
const BAD: Readonly<Record<string, (run: (sql: string) => void) => void>> = {
  'an id with a NUL': (run) => {
    run(`update jobs set id = 'jo' || char(0) || 'b' where id = 'job-1'`);
  },
  'an id of 5,000 characters': (run) => {
    run(`update jobs set id = printf('%.*c', 5000, 'x') where id = 'job-1'`);
  },
  'a time beyond all calendars': (run) => {
    later(run, 'created_at = 8640000000000001');
  },
  'a number that JSON does not spell': (run) => {
    later(run, 'progress = 9007199254740993');
  },
  'a version that is none': (run) => {
    run(`update jobs set state_version = '-' || state_version where id = 'job-1'`);
  },
};

/** Changes a register under a version of its own, as the schema wants it. */
function later(run: (sql: string) => void, change: string): void {
  const version = `substr(state_version, 1, 15) || 'f' || substr(state_version, 17)`;
  run(`update jobs set ${change}, state_version = ${version} where id = 'job-1'`);
}

async function change(
  { path }: Pick<Device, 'path'>,
  make: (run: (sql: string) => void) => void,
): Promise<void> {
  const driver = new Driver(path);
  try {
    make((sql) => driver.exec(sql));
  } finally {
    driver.close();
  }
  return Promise.resolve();
}

/** Of the jobs of a device, the earliest first: NUL and all. */
const idsOf = ({ path }: Device): string[] => {
  const driver = new Driver(path);
  try {
    const [[ids = ''] = []] = driver
      .prepare(`select json_group_array(id order by rowid) from jobs`)
      .raw()
      .all() as string[][];
    return JSON.parse(ids) as string[];
  } finally {
    driver.close();
  }
};

const parkedBy = async ({ store }: Pick<Device, 'store'>) =>
  (await store.sync.parked()).map(({ direction, table, reason }) =>
    [direction, table, reason].join(' '),
  );

describe.each(['encrypted', 'clear'])('in a group that is %s', (kind) => {
  it.each(Object.entries(BAD))('%s costs its own row only', async (_, make) => {
    const sqld = await startSqld();
    const [a, b] = [await device('a'), await device('b')];
    await a.store.jobs.upsert({ id: 'job-1', name: 'bad', status: 'running' });
    await change(a, make);
    await a.store.jobs.upsert({ id: 'job-2', name: 'good', status: 'running' });
    await a.store.tasks.create({ prompt: 'good' });
    if (kind === 'encrypted') await enable(sqld.url, [a, b]);
    else for (const one of [a, b]) await enableClear(sqld.url, one);
    for (const one of [a, b, a, b]) await one.sync();

    expect(new Set(await parkedBy(a))).toEqual(new Set(['out jobs invalid']));
    const [first] = await a.store.sync.parked();
    expect(first?.hint).toContain('out of bounds');
    const [id] = idsOf(a);
    expect(first?.id).toBe(id);
    expect(await a.store.sync.status()).toMatchObject({ pendingRows: 0, lastError: null });
    expect(await parkedBy(b)).toEqual([]);
    expect((await b.store.jobs.get('job-2')).name).toBe('good');
    expect((await b.store.tasks.list()).items).toHaveLength(1);
  });
});

it('goes once it was healed', async () => {
  const { a, b, run } = await pair();
  await a.store.jobs.upsert({ id: 'job-1', name: 'bad', status: 'running', details: { n: 1 } });
  await run((sql) => {
    later(sql, 'progress = 9007199254740993');
  });
  await a.sync();
  expect(await parkedBy(a)).toEqual(['out jobs invalid']);
  await a.store.jobs.upsert({ id: 'job-1', name: 'healed', status: 'running', progress: 7 });
  await a.sync();
  expect(await parkedBy(a)).toEqual([]);
  await b.sync();
  expect(await b.store.jobs.get('job-1')).toMatchObject({ name: 'healed', progress: 7 });
});

it.each([
  ['a lost piece of a large body', 1_500_000, 'delete from blob_chunks where position = 1'],
  ['a large body whose piece is damaged', 1_500_000, `update blob_chunks set data = x'09'`],
  ['a body that is lost', 10_000, 'delete from blobs'],
  ['a body whose piece is lost', 10_000, 'delete from blob_chunks'],
  ['a body that is damaged', 10_000, `update blob_chunks set data = x'09'`],
])('%s costs its own rows only', async (_, size, damage) => {
  const { a, b, run } = await pair();
  const thread = await a.store.runtime.createThread({ workspace: '/w', model: 'm', mode: 'agent' });
  const payload = { text: 'x'.repeat(size) };
  await a.store.events.append(thread.id, [{ type: 'note', payload }]);
  await a.store.jobs.upsert({ id: 'job-1', name: 'n', status: 'running', details: payload });
  await run((sql) => {
    sql(damage);
  });
  await a.store.jobs.upsert({ id: 'job-2', name: 'good', status: 'running' });
  await a.store.events.append(thread.id, [{ type: 'note', payload: { text: 'good' } }]);
  for (const one of [a, b]) await one.sync();
  expect((await parkedBy(a)).sort()).toEqual(['out jobs damaged', 'out runtime_events damaged']);
  expect(await a.store.sync.status()).toMatchObject({ pendingRows: 0 });
  expect((await b.store.jobs.get('job-2')).name).toBe('good');
  expect((await b.store.events.since(thread.id, 0)).items).toHaveLength(1);
});

it('a body beyond all texts is set aside', async () => {
  const { a, run } = await pair();
  const details = { text: 'x'.repeat(1_500_000) };
  await a.store.jobs.upsert({ id: 'job-1', name: 'n', status: 'running', details });
  await run((sql) => {
    sql('update blobs set size = 501 << 20');
  });
  await a.sync();
  expect(await parkedBy(a)).toEqual(['out jobs invalid']);
});

it('a text beyond what a payload holds is set aside', async () => {
  const { a } = await pair();
  await a.store.jobs.upsert({ id: 'job-1', name: 'n', status: 'running' });
  const sent = await a.database.read((reader) => {
    const row = { ...rowsById(reader, jobs, ['job-1']).get('job-1'), name: 'x'.repeat(65 << 20) };
    const notes = { bases: [], ancestors: new Map(), unknown: new Map() };
    return registerEntries(reader, null, jobs, row, 'state', notes);
  });
  const source = { table: 'jobs', rowId: 'job-1', register: 'state' };
  expect(sent).toEqual([{ source, reason: 'size' }]);
});

async function pair() {
  const path = join(tempFolder(), 'a.db');
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  const [a, b] = [await syncDevice('a', hub, { path }), await syncDevice('b', hub)];
  const run = (make: (sql: (text: string) => void) => void) => change({ path }, make);
  return { a, b, run };
}

async function enableClear(url: string, { name, store }: Device): Promise<void> {
  await asMachine(name, () => store.sync.enable(url, { name, encryption: false, pull: 'http' }));
}
