// node test/simulation/run.mjs [--seeds N] [--seed S] [--operations N] [--trace] [--without fault,fault]
//                              [--children N] [--mutation NAME]
// Runs N seeds from S on, in child processes that end after some seeds and so give their files back.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { bundle, ROOT } from './bundle.mjs';
import { MUTATIONS } from './mutations.mjs';

/** Seeds of one child. */
const SHARE = 25;

/**
 * @returns {Promise<{failures: {seed: number, error: string}[], sums: Record<string, number>}>}
 */
function hasMemory() {
  if (!existsSync('/dev/shm')) return false;
  const { bavail, bsize } = statfsSync('/dev/shm');
  return bavail * bsize > 2 ** 30;
}

export async function simulate(options) {
  const {
    seeds,
    seed,
    operations = 200,
    without = '',
    trace = false,
    children = 2,
    mutation = [],
    stopAtFirst = false,
  } = options;
  // Two folders below the root, as src/db is: the migrations are found from there.
  const folder = join(ROOT, 'node_modules', '.simulation');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `bundle-${process.pid}-${Date.now()}.mjs`);
  await bundle(file, mutation);
  // Memory where there is some: a third less time than on a disk.
  const base = hasMemory() ? '/dev/shm' : tmpdir();
  const stores = mkdtempSync(join(base, 'cws-simulation-'));
  const failures = [];
  const sums = {};
  let next = seed;
  const end = seed + seeds;
  async function work() {
    while (next < end && !(stopAtFirst && failures.length > 0)) {
      const from = next;
      next = Math.min(end, next + SHARE);
      await child(from, next - from);
    }
  }
  async function child(from, count) {
    const args = ['--expose-gc', file];
    args.push('--seed', from, '--seeds', count, '--operations', operations, '--without', without);
    args.push('--folder', stores);
    if (trace) args.push('--trace');
    const running = spawn(process.execPath, args.map(String), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let done = 0;
    const ended = once(running, 'close');
    for await (const line of createInterface({ input: running.stdout })) {
      if (!line.startsWith('{')) {
        if (trace) console.log(line);
        continue;
      }
      const found = JSON.parse(line);
      if (found.error !== undefined) failures.push(found);
      if (stopAtFirst && failures.length > 0) running.kill();
      done = found.done ?? done;
      for (const [name, sum] of Object.entries(found.sums ?? {})) {
        sums[name] = name === 'rounds' ? Math.max(sums[name] ?? 0, sum) : (sums[name] ?? 0) + sum;
      }
    }
    const [code, signal] = await ended;
    if (done !== count && !(stopAtFirst && failures.length > 0))
      failures.push({
        seed: from,
        error: `the child of ${count} seeds ended early (${code ?? signal})`,
      });
  }
  try {
    await Promise.all(Array.from({ length: trace ? 1 : children }, work));
  } finally {
    rmSync(file, { force: true });
    rmSync(stores, { recursive: true, force: true });
  }
  return { failures: failures.sort((a, b) => a.seed - b.seed), sums };
}

async function main() {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '500' },
      seed: { type: 'string', default: '1' },
      operations: { type: 'string', default: '200' },
      without: { type: 'string', default: '' },
      children: { type: 'string', default: '2' },
      mutation: { type: 'string' },
      trace: { type: 'boolean', default: false },
    },
  });
  const started = performance.now();
  const seeds = Number(values.seeds);
  const { failures, sums } = await simulate({
    ...values,
    seeds,
    seed: Number(values.seed),
    children: Number(values.children),
    mutation: values.mutation === undefined ? [] : MUTATIONS[values.mutation],
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(
    `${seeds} seeds from ${values.seed}, ${values.operations} operations each: ${failures.length} failed, ${seconds} s`,
  );
  console.log(
    Object.entries(sums)
      .map(([name, sum]) => `${name} ${sum}`)
      .join(', '),
  );
  for (const { seed, error } of failures) {
    const without = values.without === '' ? '' : ` --without ${values.without}`;
    console.log(`\nseed ${seed}: ${error}`);
    console.log(
      `  node test/simulation/run.mjs --seeds 1 --seed ${seed} --operations ${values.operations}${without} --trace`,
    );
  }
  process.exitCode = failures.length > 0 ? 1 : 0;
}

if (process.argv[1] === import.meta.filename) await main();
