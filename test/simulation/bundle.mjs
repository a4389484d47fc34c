// Bundles the simulation with the product's own sources, and puts stand-ins where the product meets
// the world outside: random numbers, and pauses. Bounds are made small, so that little data is many
// pages, batches and pieces. A replacement that finds nothing to replace is an error.
//
// A bundle and not vitest: the children are plain Node processes with --expose-gc that end and give
// their files back, a seed runs in 0.5 s where transforming 150 modules takes 2 s, and what is run
// stays the same while somebody edits the sources.
import { readFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const HERE = dirname(fileURLToPath(import.meta.url));
export const ROOT = join(HERE, '..', '..');

const STAND_INS = {
  'node:crypto': 'crypto.ts',
  'node:timers/promises': 'timers.ts',
  'node:zlib': 'zlib.ts',
  ulid: 'ulid.ts',
};

/** [file, what stands there, what is put there] */
const BOUNDS = [
  ['src/sync/pull-once.ts', 'const STEP_ENTRIES = 32;', ''],
  ['src/sync/pull-once.ts', 'STEP_ENTRIES', 'globalThis.simulation.stepEntries'],
  ['src/sync/apply/apply-run.ts', 'RUN_ROWS = 32;', 'RUN_ROWS = 3;'],
  // Time that passes here is none of the seed's.
  ['src/sync/pull-once.ts', ' && performance.now() < until', ' && false'],
  ['src/db/turns.ts', 'TURN_MS = 20;', 'TURN_MS = Infinity;'],
  ['src/sync/repairs.ts', 'performance.now()', 'globalThis.simulation.elapsed()'],
  [
    'src/sync/exchange.ts',
    'return this.#pageRows;',
    'return Math.min(this.#pageRows, globalThis.simulation.page.rows);',
  ],
  [
    'src/sync/exchange.ts',
    'return { rows: this.#batchRows, bytes: this.#batch.bytes, horizon: this.horizon };',
    `return {
      rows: Math.min(this.#batchRows, globalThis.simulation.batch.rows),
      bytes: Math.min(this.#batch.bytes, globalThis.simulation.batch.bytes),
      horizon: this.horizon,
    };`,
  ],
  [
    'src/sync/outgoing.ts',
    'schema: SCHEMA,',
    "schema: version === '' ? SCHEMA : globalThis.simulation.schema,",
  ],
  [
    'src/sync/apply/open-entry.ts',
    'entry.schema > SCHEMA',
    'entry.schema > globalThis.simulation.schema',
  ],
  ['src/db/content.ts', 'INLINE_BODY_BYTES = 1 << 20;', 'INLINE_BODY_BYTES = 8 << 10;'],
  ['src/db/bodies.ts', 'CHUNK_BYTES = 1 << 20;', 'CHUNK_BYTES = 4 << 10;'],
];

/**
 * @param file - where the bundle goes; two folders below the root, where it finds the migrations
 * @param mutation - [file, what stands there, what is put there], or nothing
 */
export async function bundle(file, mutation = []) {
  const unused = new Set([...BOUNDS, ...mutation]);
  const replaced = (code, path) => {
    let text = code;
    for (const one of [...unused]) {
      const [of, from, to] = one;
      if (path !== join(ROOT, of)) continue;
      if (!text.includes(from)) throw new Error(`${of} has no ${JSON.stringify(from)}`);
      text = text.replaceAll(from, to);
      unused.delete(one);
    }
    return text;
  };
  const build = await rolldown({
    input: join(HERE, 'main.ts'),
    platform: 'node',
    external: ['libsql', '@libsql/client'],
    plugins: [
      {
        name: 'stand-ins',
        resolveId(source, importer) {
          const standIn = STAND_INS[source];
          const ours = importer?.startsWith(join(ROOT, 'src') + sep);
          return standIn && ours ? join(HERE, 'replaced', standIn) : null;
        },
        load(id) {
          if (!id.startsWith(join(ROOT, 'src') + sep)) return null;
          return { code: replaced(readFileSync(id, 'utf8'), id), moduleType: 'ts' };
        },
      },
    ],
    onLog() {},
  });
  await build.write({ file, format: 'esm', codeSplitting: false });
  await build.close();
  if (unused.size > 0) throw new Error(`not replaced: ${JSON.stringify([...unused])}`);
}
