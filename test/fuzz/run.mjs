// node test/fuzz/run.mjs [--runs N] [--seed S] [--part importer|payload|cli|search|library]
// N runs of each part from seed S on; with --runs 0 it goes on with fresh seeds until something fails.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PARTS = ['importer', 'payload', 'cli', 'search', 'library'];
/** Runs between two looks at the other parts, where there is no end. */
const SHARE = 200;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '500' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    part: { type: 'string' },
  },
});
const parts = PARTS.filter((part) => values.part === undefined || values.part === part);
const runs = Number(values.runs);
const endless = runs === 0;
if (
  parts.length === 0 ||
  !Number.isSafeInteger(runs) ||
  !Number.isSafeInteger(Number(values.seed))
) {
  console.error('usage: run.mjs [--runs N] [--seed S] [--part ' + PARTS.join('|') + ']');
  process.exit(2);
}

let seed = Number(values.seed);
do {
  for (const part of parts) {
    const { status, signal } = spawnSync('npx', ['vitest', 'run', `test/fuzz/${part}.test.ts`], {
      cwd: ROOT,
      stdio: 'inherit',
      env: {
        ...process.env,
        FUZZ_RUNS: String(endless ? SHARE : runs),
        SEED: String(seed),
      },
    });
    if (signal !== null) process.exit(1);
    if (status !== 0) process.exitCode = 1;
  }
  seed += SHARE;
} while (endless && process.exitCode === undefined);
