import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { Database } from '../../src/db/database.ts';
import { openStore, StoreError, type Store } from '../../src/index.ts';
import type { Random } from '../simulation/random.ts';
import { tempFolder } from '../support/temp-store.ts';
import { fillStore } from './fill-store.ts';
import { fuzz } from './fuzz.ts';
import { NUMBERS, TEXTS, jsonValue, mutateJson, nested } from './hostile-values.ts';

/** What needs the world around it, or ends what the others need. */
const LEFT_OUT = new Set(['constructor', 'close', 'on', 'off', 'start', 'stop', 'watch']);

type Method = (...args: unknown[]) => unknown;

/** Every method of the store and its areas, by its name. */
function methodsOf(store: Store): [string, Method][] {
  const areas = Object.entries(store).filter(([, area]) => typeof area === 'object');
  return [['store', store as object] as const, ...areas].flatMap(([name, area]) => {
    const prototype = Object.getPrototypeOf(area) as object;
    return Object.entries(Object.getOwnPropertyDescriptors(prototype))
      .filter(([method, { value }]) => typeof value === 'function' && !LEFT_OUT.has(method))
      .map(([method, { value }]): [string, Method] => [
        `${name}.${method}`,
        (...args) => (value as Method).apply(area, args),
      ]);
  });
}

const looped: Record<string, unknown> = {};
looped['self'] = looped;

/** What a program without types may pass. */
function strange(random: Random, ids: readonly string[]): unknown {
  switch (random.below(14)) {
    case 0:
      return undefined;
    case 1:
      return random.pick(ids);
    case 2:
      return Symbol('s');
    case 3:
      return 5n;
    case 4:
      return new Date(Number.NaN);
    case 5:
      return new Map([['id', 'x']]);
    case 6:
      return looped;
    case 7:
      return random.pick([Number.NaN, Number.POSITIVE_INFINITY, ...NUMBERS]);
    case 8:
      return random.pick(TEXTS).repeat(random.chance(0.1) ? 100_000 : 1);
    case 9:
      return Object.create({ id: 'inherited' }) as unknown;
    case 10:
      return JSON.parse(nested(20_000)) as unknown;
    case 11:
      return Buffer.from('bytes');
    default:
      return jsonValue(random);
  }
}

/** Inputs that some method takes, to be spoilt in one place. */
const INPUTS: readonly Record<string, unknown>[] = [
  { title: 't', workspace: '/w', model: 'm', details: { x: 1 } },
  { role: 'user', content: [{ type: 'text', text: 'hello' }], parent: null },
  { prompt: 'p', workspace: '/w', model: 'm', threadId: null, details: {} },
  { worker: 'w', leaseMs: 1000, limit: 5, cursor: null },
  { preview: 'p', modelProvider: 'm', cwd: '/w', source: 'interactive' },
  { name: 'n', status: 'running', progress: 5, detail: 'd' },
  { scope: 'thread', ownerId: 'thread-1', objective: 'o', status: 'active' },
  { kind: 'agent_message', status: 'completed', summary: 's', detail: 'd', metadata: {} },
  { turn: { inputSummary: 's' }, items: [{ kind: 'agent_message', summary: 's' }] },
  { type: 'note', payload: { text: 'x' }, turnId: null },
  { name: 'n', prompt: 'p', rule: 'FREQ=HOURLY;INTERVAL=6', catchUp: 'once' },
  { fireAt: '2030-01-01T00:00:00Z', message: 'm', workspace: '/w' },
  { event: 'e', details: { a: [1, { b: 2 }] } },
  { since: '2026-01-01T00:00:00Z', until: '2026-02-01T00:00:00Z', workspace: '/w' },
  { format: 'jsonl', force: true },
  { before: '2026-01-01T00:00:00Z', dryRun: true },
  { sort: 'updated', archived: 'include', deleted: true, limit: 2 },
];

function spoilt(random: Random, ids: readonly string[]): unknown {
  const input = { ...random.pick(INPUTS) };
  const key = random.pick(Object.keys(input));
  input[key] = random.chance(0.3) ? mutateJson(random, input[key]) : strange(random, ids);
  return random.chance(0.2) ? [input] : input;
}

async function call(method: Method, args: readonly unknown[]): Promise<void> {
  const result = await method(...args);
  if (typeof result === 'object' && result !== null && Symbol.asyncIterator in result) {
    const iterator = (result as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    const first = iterator.next();
    await iterator.return?.();
    await first;
  }
}

it('wrong arguments are refused by an error of our own, and nothing is written', async () => {
  const folder = tempFolder();
  // Relative paths go where they do no harm and are seen.
  const cwd = join(folder, 'a', 'b', 'c');
  mkdirSync(cwd, { recursive: true });
  const before = process.cwd();
  process.chdir(cwd);
  onTestFinished(() => {
    process.chdir(before);
  });
  const path = join(folder, 'store.db');
  const store = await openStore({ path });
  onTestFinished(() => store.close());
  await fillStore(store);
  const methods = methodsOf(store);
  expect(methods.length).toBeGreaterThan(110);
  const ids = [
    'thread-1',
    'job-1',
    ...(await store.sessions.list()).items.map(({ id }) => id),
    ...(await store.runtime.listThreads()).items.map(({ id }) => id),
    ...(await store.automations.list()).items.map(({ id }) => id),
  ];
  const watcher = new Database(path, { durability: 'normal', readOnly: true });
  onTestFinished(() => watcher.close());
  const changes = () => watcher.read((reader) => reader.number('pragma data_version'));

  let refused = 0;
  await fuzz('library', 800, async (random) => {
    const [name, method] = random.pick(methods);
    const args = Array.from({ length: random.below(4) }, (_, i) => {
      if (i === 0 && random.chance(0.5)) return random.pick(ids);
      return random.chance(0.5) ? spoilt(random, ids) : strange(random, ids);
    });
    const seen = await changes();
    try {
      await call(method, args);
    } catch (error) {
      if (!(error instanceof StoreError)) {
        throw new Error(`${name} failed with ${String(error)}`, { cause: error });
      }
      refused++;
      expect(await changes(), `${name} wrote and failed with ${error.code}`).toBe(seen);
    }
  });
  expect(refused).toBeGreaterThan(0);
  expect((await store.check()).checks.filter(({ ok }) => !ok)).toEqual([]);
  // `backup` and `export` may have made a file of a strange name here, and nowhere else.
  expect(readdirSync(folder).filter((name) => !name.startsWith('store.db'))).toEqual(['a']);
});
