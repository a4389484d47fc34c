// One child: runs the seeds of a range and prints a line of JSON for each that failed, then the sums.
import './control.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openDatabase } from '../../src/db/open.ts';
import { runSeed } from './run-seed.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    operations: { type: 'string', default: '200' },
    without: { type: 'string', default: '' },
    trace: { type: 'boolean', default: false },
    // Where files may lie; whoever started this takes it away.
    folder: { type: 'string', default: '' },
  },
});

const folder = mkdtempSync(join(values.folder, 'child-'));
const collect = (globalThis as { gc?: () => void }).gc;
const sums = new Map<string, number>();

async function template(): Promise<string> {
  const path = join(folder, 'template', 'store.db');
  const settings = { durability: 'normal', readOnly: false } as const;
  const database = await openDatabase(path, settings, () => Date.UTC(2026, 0, 1));
  await database.close();
  return path;
}

async function run(seed: number, path: string): Promise<void> {
  const own = join(folder, String(seed));
  const trace = values.trace
    ? (text: string) => {
        console.log(text);
      }
    : undefined;
  try {
    const world = await runSeed({
      seed,
      operations: Number(values.operations),
      without: values.without.split(',').filter((name) => name !== ''),
      folder: own,
      template: path,
      trace,
    });
    for (const [name, count] of world.happened) {
      sums.set(
        name,
        name === 'rounds' ? Math.max(sums.get(name) ?? 0, count) : (sums.get(name) ?? 0) + count,
      );
    }
  } catch (error) {
    const text =
      error instanceof Error
        ? error.name === 'Violation'
          ? error.message
          : String(error.stack)
        : String(error);
    console.log(JSON.stringify({ seed, error: text }));
  }
  rmSync(own, { recursive: true, force: true });
  // The driver gives files back when they are collected only; each time takes some 30 ms.
  if (seed % 5 === 0) collect?.();
  await new Promise((resolve) => setImmediate(resolve));
}

const path = await template();
for (let i = 0; i < Number(values.seeds); i++) await run(Number(values.seed) + i, path);
console.log(JSON.stringify({ done: Number(values.seeds), sums: Object.fromEntries(sums) }));
