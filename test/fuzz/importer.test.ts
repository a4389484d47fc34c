import {
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hash } from 'node:crypto';
import { dirname, join } from 'node:path';
import Driver from 'libsql';
import { expect, it } from 'vitest';
import {
  LEGACY_STATE_TABLES,
  legacyColumns,
  type LegacyStateTable,
} from '../../src/db/legacy-state-db.ts';
import { openStore } from '../../src/index.ts';
import type { Random } from '../simulation/random.ts';
import { legacyHome } from '../support/legacy-home.ts';
import { tempFolder } from '../support/temp-store.ts';
import { fuzz } from './fuzz.ts';
import { TEXTS, jsonValue, mutateBytes, mutateJson, nested } from './hostile-values.ts';
import { readEverything } from './read-everything.ts';

const SMALL = [
  ...['--sessions', '4', '--threads', '2', '--turns', '2', '--items', '2', '--events', '20'],
  ...['--tasks', '4', '--automations', '2', '--audit', '10', '--state-threads', '3'],
];

/** Every file, folder and link below a folder, without following any. */
function walk(folder: string, below = ''): string[] {
  return readdirSync(join(folder, below), { withFileTypes: true }).flatMap((entry) => {
    const name = join(below, entry.name);
    return entry.isDirectory() ? [name, ...walk(folder, name)] : [name];
  });
}

const filesBelow = (folder: string) =>
  walk(folder)
    .filter((name) => lstatSync(join(folder, name)).isFile())
    .sort();

/** What is in a folder, to be compared later. */
function stateOf(folder: string): string[] {
  return walk(folder)
    .sort()
    .map((name) => {
      const path = join(folder, name);
      if (!lstatSync(path).isFile()) return name;
      // Of files that rest the importer knows that nobody is writing them, and does not wait.
      utimesSync(path, RESTED, RESTED);
      return `${name} ${hash('sha256', readFileSync(path))}`;
    });
}

/** SQL of one value that SQLite takes in any column. */
const VALUES = [
  ...['null', '-1', '0', '9007199254740993', '9223372036854775807', '-9223372036854775808'],
  ...['1e308', '-0.5', '9e999', '1782643272000', '9000000000000', '253402300800', '-62167219201'],
  ...["x'00ff'", "x''", "''", "' '", "'a' || char(0) || 'b'", "cast(x'ff' as text)", "'soon'"],
  ...["printf('%.5001c', 'x')", "printf('%.70000c', 'x')", "'{}'", '\'{"a":\'', "'[]'", "'../..'"],
  ...['rowid', 'typeof(1)', 'zeroblob(70000)', "'\ud800'", 'char(0)', "'__proto__'"],
];

/** Puts odd values into rows of the state.db of a home, past its own constraints. */
function spoilRows(random: Random, home: string): void {
  const driver = new Driver(join(home, 'state.db'));
  try {
    driver.exec('pragma foreign_keys = off; pragma ignore_check_constraints = on');
    for (let count = 1 + random.below(8); count > 0; count--) {
      const table = random.pick(Object.keys(LEGACY_STATE_TABLES) as LegacyStateTable[]);
      const column = random.pick(legacyColumns(table));
      const some = random.chance(0.2) ? 'true' : `abs(random()) % 3 = 0`;
      // Not null, unique, or an integer key: SQLite keeps such values out by itself.
      driver.exec(`update or ignore ${table} set ${column} = ${random.pick(VALUES)} where ${some}`);
    }
  } catch (error) {
    if (!/constraint|datatype mismatch/.test(String(error))) throw error;
  } finally {
    driver.close();
  }
}

const RESTED = new Date('2026-08-01T00:00:00Z');

/** One line or file of JSON that is spelled like none. */
const SPELLINGS = [
  nested(100_000),
  nested(100_000, '{"a":', '}').replace('}', '1}'),
  `{"n":${'9'.repeat(5000)}}`,
  '{"n":1e400,"m":-1e400,"o":NaN}',
  '{"id":9223372036854775807,"schema_version":9223372036854775808}',
  '\ufeff{}',
  '{"__proto__":{"id":"x"},"id":"y"}',
  '{"id":"a","id":"b"}',
  '{"id":"\\ud800"}',
  '"\0"',
  '\n'.repeat(5000),
  'x'.repeat(1 << 20),
];

/** Ids that lead elsewhere, or are one with another where case does not count. */
const IDS = [
  '../../escape',
  '..',
  "x'; drop table sessions; --",
  'A',
  'a',
  'a/b',
  'a\0b',
  '__proto__',
  '',
];

/** Spoils one file of a home, or what lies beside it. */
function spoil(random: Random, home: string, file: string): void {
  const path = join(home, file);
  const bytes = readFileSync(path);
  const text = bytes.toString('utf8');
  const isLines = file.endsWith('.jsonl') || file.includes('audit.log');
  switch (random.below(9)) {
    case 0:
      writeFileSync(path, mutateBytes(random, bytes));
      break;
    case 1:
      writeFileSync(path, bytes.subarray(0, random.below(bytes.length + 1)));
      break;
    case 2: {
      const odd = random.pick(SPELLINGS);
      writeFileSync(path, isLines ? `${text}${odd}\n${text}` : odd);
      break;
    }
    case 3:
      if (isLines) writeFileSync(path, text + text);
      else writeFileSync(join(dirname(path), `copy-${random.below(100)}.json`), bytes);
      break;
    case 4:
      rmSync(path);
      symlinkSync(random.pick([home, '/etc/passwd', path, '../..', 'nowhere']), path);
      break;
    case 5:
      rmSync(path);
      mkdirSync(path);
      writeFileSync(join(path, 'inner.json'), bytes);
      break;
    default:
      spoilJson(random, path, text, isLines);
  }
}

function spoilJson(random: Random, path: string, text: string, isLines: boolean): void {
  const lines = isLines ? text.split('\n') : [text];
  const at = random.below(lines.length);
  let value: unknown;
  try {
    value = JSON.parse(lines[at] ?? '');
  } catch {
    value = jsonValue(random);
  }
  const spoilt = random.chance(0.3) ? withOtherId(random, value) : mutateJson(random, value);
  lines[at] = JSON.stringify(spoilt);
  const name = random.chance(0.1)
    ? `${random.pick(['UP', 'up', 'é', 'a b', "q'q"])}.json`
    : undefined;
  writeFileSync(name === undefined ? path : join(dirname(path), name), lines.join('\n'));
}

function withOtherId(random: Random, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([key, member]): [string, unknown] => {
    if (key === 'metadata') return [key, withOtherId(random, member)];
    return /(^|_)id$/.test(key) && random.chance(0.5)
      ? [key, random.pick([...IDS, ...TEXTS])]
      : [key, member];
  });
  return Object.fromEntries(members);
}

it('a spoilt home costs its spoilt records, and nothing else', async () => {
  const { home: pristine } = legacyHome(...SMALL);
  const files = filesBelow(pristine);
  const kept = [
    files.find((name) => /^sessions\/[^/]+\.json$/.test(name) && !name.includes('boot')),
    files.find((name) => /^tasks\/tasks\/[^/]+\.json$/.test(name)),
    files.find((name) => /^tasks\/runtime\/threads\/[^/]+\.json$/.test(name)),
    files.find((name) => /^automations\/automations\/[^/]+\.json$/.test(name)),
  ].map((name) => name as string);
  const goodIds = kept.map((name) => {
    const value = JSON.parse(readFileSync(join(pristine, name), 'utf8')) as {
      id?: string;
      metadata?: { id: string };
    };
    return (value.metadata?.id ?? value.id) as string;
  });
  const spoilable = files.filter((name) => !kept.includes(name));
  const root = tempFolder();

  await fuzz('importer', 12, async (random) => {
    const folder = mkdtempSync(join(root, 'run-'));
    const home = join(folder, 'home');
    cpSync(pristine, home, { recursive: true });
    for (let count = 1 + random.below(6); count > 0; count--) {
      const file = random.pick(spoilable);
      if (lstatSync(join(home, file), { throwIfNoEntry: false })?.isFile())
        spoil(random, home, file);
    }
    const before = stateOf(home);
    const store = await openStore({ path: join(folder, 'store.db'), durability: 'normal' });
    try {
      const report = await store.import([home]);
      const { ids } = await readEverything(store);
      expect(
        goodIds.filter((id) => !ids.has(id)),
        JSON.stringify(report.problems),
      ).toEqual([]);
      for (const { message, reason } of report.problems) {
        expect(message).not.toBe('');
        expect(reason).toMatch(/^[a-z0-9_]+$/);
      }
      const { checks } = await store.check();
      expect(checks.filter(({ ok, name }) => !ok && name !== 'orphans')).toEqual([]);
      await store.import([home]);
      const format = random.pick(['legacy', 'jsonl', 'markdown'] as const);
      await store.export(join(folder, 'export'), { format });
      expect(stateOf(home)).toEqual(before);
    } finally {
      await store.close();
    }
    const made = readdirSync(folder).filter((name) => !name.startsWith('store.db'));
    expect(made.sort()).toEqual(['export', 'home']);
    expect(readdirSync(root)).toHaveLength(1);
    rmSync(folder, { recursive: true });
  });
});

it('an odd value in a state.db costs its row, and nothing else', async () => {
  const { home: pristine } = legacyHome(...SMALL, '--state-threads', '6');
  const root = tempFolder();

  await fuzz('importer', 8, async (random) => {
    const folder = mkdtempSync(join(root, 'run-'));
    const home = join(folder, 'home');
    cpSync(pristine, home, { recursive: true });
    spoilRows(random, home);
    const store = await openStore({ path: join(folder, 'store.db'), durability: 'normal' });
    try {
      const { problems } = await store.import([home]);
      // Every value that the store does not take is known to the reader.
      expect(problems.filter(({ reason }) => reason === 'not_stored')).toEqual([]);
      await readEverything(store);
      for (const { id } of (await store.jobs.list({ limit: 1000 })).items) await store.jobs.get(id);
      await store.goals.list({});
      const { checks } = await store.check();
      expect(checks.filter(({ ok, name }) => !ok && name !== 'orphans')).toEqual([]);
      expect((await store.import([home])).totals).toMatchObject({ imported: 0, updated: 0 });
      for (const format of ['jsonl', 'legacy'] as const) {
        await store.export(join(folder, format), { format });
      }
    } finally {
      await store.close();
    }
    rmSync(folder, { recursive: true });
  });
});
