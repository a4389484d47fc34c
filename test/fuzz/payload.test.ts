import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { contentHashOf } from '../../src/db/content.ts';
import type { Reader } from '../../src/db/reader.ts';
import { StoreError } from '../../src/errors.ts';
import { IMMUTABLE_TABLES } from '../../src/model/registers.ts';
import { openEntry } from '../../src/sync/apply/open-entry.ts';
import { parsePayload } from '../../src/sync/apply/shape.ts';
import { rowsOf } from '../../src/sync/hub/hrana.ts';
import type { HubRow } from '../../src/sync/hub/hub.ts';
import { readMeta } from '../../src/sync/hub-meta.ts';
import { hubId, hubRegister } from '../../src/sync/keys/hash-ids.ts';
import { newKeyRing, type KeyRing } from '../../src/sync/keys/key-ring.ts';
import { needState } from '../../src/sync/state.ts';
import { readPage, toEntry, type Entry } from '../../src/sync/pull-statements.ts';
import { sealPayload, unpackText, unsealBytes } from '../../src/sync/seal.ts';
import type { Random } from '../simulation/random.ts';
import { indexAll } from '../../src/upkeep/repair.ts';
import { FileHub } from '../support/file-hub.ts';
import { syncDevice, type SyncDevice } from '../support/sync-device.ts';
import { tempFolder } from '../support/temp-store.ts';
import { everydayRuns, fuzz } from './fuzz.ts';
import { NUMBERS, TEXTS, jsonValue, mutateBytes, mutateJson } from './hostile-values.ts';
import { readEverything } from './read-everything.ts';
import { fillStore } from './fill-store.ts';

const ROWS = `select seq, table_name, id, register, version, key_number, schema, payload
  from hub_entries where table_name <> 'chunks' order by seq`;
const META = { nowMs: Date.now(), floorMs: 0 };
const DAY = 24 * 60 * 60_000;

async function setUp(ring: KeyRing | null) {
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  onTestFinished(() => {
    hub.close();
  });
  const a = await syncDevice('a', hub, { ring, isLocked: true });
  await fillStore(a.store);
  await a.sync();
  const [rows = []] = await hub.run([{ sql: ROWS, params: [] }], 'read');
  return { hub, a, rows, entries: rows.map(toEntry) };
}

/** Registers come in any order: what these find is a row of which only a part has come. */
const PARTIAL = ['orphans', 'search index'];

/** A value as it may stand in an answer, or the one that stands there. */
function column(random: Random, value: HubRow[number]): HubRow[number] {
  switch (random.below(6)) {
    case 0:
      return null;
    case 1:
      return random.pick(NUMBERS);
    case 2:
      return random.pick(TEXTS);
    case 3:
      return Buffer.from(random.pick(TEXTS));
    case 4:
      return value instanceof Uint8Array ? mutateBytes(random, value) : value;
    default:
      return typeof value === 'string'
        ? mutateBytes(random, Buffer.from(value)).toString('utf8')
        : value;
  }
}

function mutateRow(random: Random, row: HubRow): HubRow {
  const copy = [...row];
  const at = random.below(copy.length);
  copy[at] = column(random, copy[at] ?? null);
  return copy;
}

/** As whoever has the key may write it: another content under a name that fits, or does not. */
function reseal(random: Random, ring: KeyRing | null, entry: Entry): Entry {
  const json = unpackText(unsealBytes(ring, entry, entry.keyNumber, entry.payload));
  const payload = JSON.parse(json) as Record<string, unknown>;
  const mutated =
    typeof payload['t'] === 'string' && random.chance(0.6)
      ? { ...payload, t: JSON.stringify(mutateJson(random, JSON.parse(payload['t']))) }
      : mutateJson(random, payload);
  const text = JSON.stringify(mutated);
  const fitting = random.chance(0.8) ? nameOf(ring, entry, text) : entry;
  const { keyNumber, bytes } = sealPayload(ring, fitting, text);
  return { ...fitting, keyNumber, payload: bytes };
}

function nameOf(ring: KeyRing | null, entry: Entry, json: string): Entry {
  const payload = typedOrUndefined(() => parsePayload(json));
  if (!payload) return entry;
  const named = { ...entry, id: hubId(ring, entry.table, payload.i) };
  if (!IMMUTABLE_TABLES.some((table) => table.name === entry.table) || entry.version !== '') {
    return named;
  }
  const register = hubRegister(ring, entry.table, contentHashOf(entry.table, payload));
  return { ...named, register };
}

/** Only errors of our own may come out. */
function typedOrUndefined<T>(job: () => T): T | undefined {
  try {
    return job();
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return undefined;
  }
}

describe('what comes from the hub', () => {
  it('is taken, set aside or refused, whatever its bytes are', async () => {
    const rings = [newKeyRing(), null];
    const hubs = [await setUp(rings[0] as KeyRing), await setUp(null)];
    await fuzz('payload', 1500, (random) => {
      const which = random.below(2);
      const ring = rings[which] ?? null;
      const { rows, entries } = hubs[which] as (typeof hubs)[number];
      const entry = random.pick(entries);
      const opened = openEntry(
        ring,
        { ...entry, payload: mutateBytes(random, entry.payload) },
        META,
      );
      if (ring && opened.kind !== 'parked') {
        expect(Buffer.compare(opened.entry.payload, entry.payload)).toBe(0);
      }
      typedOrUndefined(() => openEntry(ring, toEntry(mutateRow(random, random.pick(rows))), META));
      openEntry(ring, reseal(random, ring, entry), META);
      const answer = Array.from({ length: 1 + random.below(3) }, () =>
        mutateRow(random, random.pick(rows)),
      );
      typedOrUndefined(() => readPage(answer, 3, 'rows'));
      typedOrUndefined(() =>
        readPage(
          [[JSON.stringify(jsonValue(random)), mutateBytes(random, entry.payload)]],
          3,
          'packed',
        ),
      );
      typedOrUndefined(() => readMeta([Array.from({ length: 14 }, () => column(random, null))]));
      typedOrUndefined(() => rowsOf(hranaAnswer(random), 1, 'mark'));
    });
  });

  it.each([
    ['encrypted', newKeyRing()],
    ['not encrypted', null],
  ])('costs only its own rows, %s: all others come, and all can be read', async (_, ring) => {
    const { hub, entries } = await setUp(ring);
    const reached = { applied: 0, parked: 0 };
    let b: SyncDevice | undefined;
    await fuzz('payload', 25, async (random, seed) => {
      if (seed % 50 === 0) b = undefined;
      b ??= await syncDevice('b', hub, { ring, isLocked: true });
      const picked = Array.from({ length: 1 + random.below(6) }, () => random.pick(entries));
      await put(
        hub,
        picked.map((entry) => forge(random, ring, entry)),
      );
      if (random.chance(0.3)) await forgeMeta(random, hub);
      const { id } = await b.store.tasks.create({ prompt: 'good', workspace: '/w' });
      const { applied, parked } = await b.sync();
      const known = await b.database.read((reader) => ({
        ...needState(reader),
        ...clockOf(reader),
      }));
      expect(known.epoch.number).toBeLessThan(2 ** 41);
      for (const ms of [known.clockMs, known.floorMs])
        expect(ms).toBeLessThan(Date.now() + 8 * DAY);
      reached.applied += applied;
      reached.parked += parked;
      await indexAll(b.database, { now: Date.now });
      await b.store.sync.parked();
      await b.store.sync.conflicts();
      expect((await readEverything(b.store)).ids.has(id)).toBe(true);
      const { checks } = await b.store.check();
      expect(checks.filter(({ ok, name }) => !ok && !PARTIAL.includes(name))).toEqual([]);
    });
    // A single run may well miss; many that do show nothing.
    if (!everydayRuns) return;
    expect(reached.applied).toBeGreaterThan(0);
    expect(reached.parked).toBeGreaterThan(0);
  });
});

const clockOf = (reader: Reader) => ({ clockMs: reader.number('select clock_ms from device') });

/** A number of the hub that is of the right type, and what no hub comes to. */
async function forgeMeta(random: Random, hub: FileHub): Promise<void> {
  const column = random.pick(['floor_ms', 'epoch', 'head']);
  const value = random.pick(['-1', '0', '9007199254740991', '9223372036854775807', `${2 ** 47}`]);
  await hub.run([{ sql: `update hub_meta set ${column} = ${value}`, params: [] }], 'write');
}

/** A version that is later by a little or by all that there is, or further on than its columns. */
function forgeVersion(random: Random, version: string): string {
  const later = version.replace(/[0-9a-f]{8}(?=-[A-Za-z0-9]+-[0-9a-f]{12}$)/, () =>
    randomBytes(4).toString('hex'),
  );
  switch (random.below(6)) {
    case 0:
      return later.replace(/[0-9a-f]{16}(?=-[A-Za-z0-9]+-[0-9a-f]{12}$)/, () =>
        random.pick(['ffffffffffffffff', '7fffffffffffffff', '0fffffffffff0000', '0'.repeat(16)]),
      );
    case 1:
      return later.replace(/^[0-9a-f]{7}-/, () =>
        random.pick(['ffffff0-', 'ffffff1-', '0000000-', '0000011-', '0000020-', '']),
      );
    default:
      return later;
  }
}

/** An entry of other bytes, of another content, or under another name. */
function forge(random: Random, ring: KeyRing | null, entry: Entry): Entry {
  const version = forgeVersion(random, entry.version);
  const json = unpackText(unsealBytes(ring, entry, entry.keyNumber, entry.payload));
  const newer = { ...entry, version, payload: entry.payload };
  if (version !== entry.version) {
    newer.payload = sealPayload(ring, newer, json).bytes;
  }
  switch (random.below(8)) {
    case 0:
      return { ...newer, payload: mutateBytes(random, entry.payload) };
    case 1:
      return {
        ...newer,
        register: random.pick([...TEXTS, 'title', 'details', 'purge', 'deleted']),
      };
    case 2:
      return {
        ...newer,
        keyNumber: random.pick([0, 1, 2, 77, 2 ** 53]),
        schema: random.pick([0, 1, 99]),
      };
    default:
      return reseal(random, ring, entry.version === '' ? entry : newer);
  }
}

async function put(hub: FileHub, entries: readonly Entry[]): Promise<void> {
  const insert = `insert or replace into hub_entries
    (seq, table_name, id, register, version, key_number, schema, payload)
    values ((select max(head, (select max(seq) from hub_entries)) + 1 from hub_meta), ?, ?, ?, ?, ?, ?, ?)`;
  const raise = 'update hub_meta set head = (select max(seq) from hub_entries)';
  for (const { table, id, register, version, keyNumber, schema, payload } of entries) {
    const params = [table, id, register, version, keyNumber, schema, payload];
    await hub.run(
      [
        { sql: insert, params },
        { sql: raise, params: [] },
      ],
      'write',
    );
  }
  // A state of its own, as every push makes one.
  const commit = `insert or ignore into hub_commits (head, token) select head, hex(randomblob(16)) from hub_meta`;
  await hub.run([{ sql: commit, params: [] }], 'write');
}

function hranaAnswer(random: Random): unknown {
  const value = (inner: unknown) => ({ type: 'ok', response: { result: inner } });
  const good = {
    results: [
      value({
        step_results: [
          { rows: [[{ type: 'text', value: 'mark' }]] },
          { rows: [] },
          {
            rows: [
              [
                { type: 'integer', value: '5' },
                { type: 'blob', base64: 'AAAA' },
              ],
            ],
          },
          { rows: [] },
        ],
        step_errors: [null, null, null, null],
      }),
    ],
  };
  return mutateJson(random, good);
}
