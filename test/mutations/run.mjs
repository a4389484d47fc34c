// node test/mutations/run.mjs [PATTERN]
// Takes guards away, one at a time, in a copy of the project, and expects that a test turns red: that
// it ran and failed, and that it is green without the mutation.
// PATTERN chooses among the names in mutations.json. Minutes for each dozen.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { verdictOf } from './verdict.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const LEFT_OUT = ['node_modules', 'dist', '.git', 'demo'];
const pattern = new RegExp(process.argv[2] ?? '.');
const list = JSON.parse(readFileSync(new URL('mutations.json', import.meta.url), 'utf8'));
const chosen = list.filter(({ name }) => pattern.test(name));
if (chosen.length === 0) throw new Error(`no mutation has a name like ${pattern}`);

const copy = mkdtempSync(join(tmpdir(), 'cws-mutations-'));
const REPORT = join(copy, 'report.json');
/** By test: what it says where nothing is taken away. */
const unmutated = new Map();
try {
  cpSync(ROOT, copy, {
    recursive: true,
    filter: (source) => !LEFT_OUT.some((name) => source === join(ROOT, name)),
  });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  for (const mutation of chosen) tryOut(mutation);
} finally {
  rmSync(copy, { recursive: true, force: true });
}

function tryOut({ name, file, old, new: changed, test }) {
  const path = join(copy, file);
  const text = readFileSync(path, 'utf8');
  if (text.split(old).length !== 2) return report(name, 'DOES NOT APPLY');
  if (!unmutated.has(test)) unmutated.set(test, run(test));
  const without = unmutated.get(test);
  if (without.outcome !== 'green') return report(name, 'BROKEN', `without it: ${without.why}`);
  writeFileSync(
    path,
    text.replace(old, () => changed),
  );
  const { outcome, why } = run(test);
  writeFileSync(path, text);
  report(name, outcome === 'green' ? 'STAYED GREEN' : outcome, why);
}

function run(test) {
  rmSync(REPORT, { force: true });
  spawnSync(
    join(copy, 'node_modules', '.bin', 'vitest'),
    [
      ...['run', test, '--bail', '1', '--testTimeout', '180000'],
      // What a mutation does not touch is read only once.
      '--experimental.fsModuleCache',
      ...['--reporter', 'json', '--outputFile', REPORT],
    ],
    { cwd: copy, stdio: 'ignore' },
  );
  return verdictOf(existsSync(REPORT) ? JSON.parse(readFileSync(REPORT, 'utf8')) : undefined);
}

function report(name, outcome, why = '') {
  const reason = outcome === 'BROKEN' ? `: ${why}` : '';
  console.log(`${outcome.padEnd(14)} ${name}${reason}`);
  if (outcome !== 'red') process.exitCode = 1;
}
