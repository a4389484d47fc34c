// node test/mutations/run.mjs [PATTERN]
// Takes guards away, one at a time, in a copy of the project, and expects that a test turns red.
// PATTERN chooses among the names in mutations.json. Minutes for each dozen.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const LEFT_OUT = ['node_modules', 'dist', '.git', 'demo'];
const pattern = new RegExp(process.argv[2] ?? '.');
const list = JSON.parse(readFileSync(new URL('mutations.json', import.meta.url), 'utf8'));

const copy = mkdtempSync(join(tmpdir(), 'cws-mutations-'));
try {
  cpSync(ROOT, copy, {
    recursive: true,
    filter: (source) => !LEFT_OUT.some((name) => source === join(ROOT, name)),
  });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  for (const mutation of list.filter(({ name }) => pattern.test(name))) tryOut(mutation);
} finally {
  rmSync(copy, { recursive: true, force: true });
}

function tryOut({ name, file, old, new: changed, test }) {
  const path = join(copy, file);
  const text = readFileSync(path, 'utf8');
  if (text.split(old).length !== 2) return report(name, 'DOES NOT APPLY');
  writeFileSync(
    path,
    text.replace(old, () => changed),
  );
  const { status } = spawnSync(
    'npx',
    ['vitest', 'run', test, '--bail', '1', '--testTimeout', '60000'],
    {
      cwd: copy,
      stdio: 'ignore',
    },
  );
  writeFileSync(path, text);
  report(name, status === 0 ? 'STAYED GREEN' : 'red');
}

function report(name, outcome) {
  console.log(`${outcome.padEnd(14)} ${name}`);
  if (outcome !== 'red') process.exitCode = 1;
}
