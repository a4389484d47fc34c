// npm run demo: imports the legacy homes of this machine, or a generated one, into a store of its
// own in the folder demo/, and shows what one does with it. Touches nothing else.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CLI = join(ROOT, 'dist', 'cli', 'main.js');
const FOLDER = join(ROOT, 'demo');
const STORE = join(FOLDER, 'store.db');

function run(...args) {
  console.log(
    `\n$ codewhale-store ${args.map((arg) => (/\s/.test(arg) ? `"${arg}"` : arg)).join(' ')}`,
  );
  const { status } = spawnSync(process.execPath, [CLI, '--db', STORE, ...args], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}

/** What CodeWhale leaves in a home; an empty folder of that name is none. */
function holdsData(home) {
  return ['sessions', 'tasks', 'automations', 'state.db', 'audit.log'].some((name) =>
    existsSync(join(home, name)),
  );
}

function sampleHome() {
  const home = join(FOLDER, 'sample-home');
  const generator = join(ROOT, 'test', 'support', 'make-legacy-home.mjs');
  const now = new Date().toISOString();
  const options = ['--seed', '7', '--sessions', '60', '--tasks', '200', '--faults', '--quiet'];
  const manifest = join(FOLDER, 'manifest.json');
  const { status } = spawnSync(
    process.execPath,
    [generator, home, ...options, '--now', now, '--manifest', manifest],
    { stdio: ['ignore', 'ignore', 'ignore'] },
  );
  if (status !== 0) throw new Error('the sample home could not be made');
  return home;
}

rmSync(FOLDER, { recursive: true, force: true });
const explicit = process.env.CODEWHALE_HOME?.trim();
const homes = explicit ? [explicit] : [join(homedir(), '.codewhale'), join(homedir(), '.deepseek')];
const real = homes.filter(holdsData);
if (real.length > 0) {
  console.log(`Importing ${real.join(' and ')} (only read, never changed) into ${STORE}`);
  run('import');
} else {
  console.log(
    'There is no CodeWhale home on this machine: importing a generated sample, with faults',
  );
  console.log(`on purpose, into ${STORE}`);
  run('import', sampleHome());
}
run('session', 'list', '--limit', '5');
run('task', 'list', '--status', 'failed', '--since', '7d', '--limit', '5');
run('search', 'error', '--limit', '3');
console.log(`\nThe demo store is in ${FOLDER}; delete the folder to be rid of it.`);
