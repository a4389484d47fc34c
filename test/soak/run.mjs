// node test/soak/run.mjs [--minutes N] [--seed S]
// All faults together over five devices and a hub, for so long; exit code 1 when something did not hold.
//
// A bundle, as the simulation is: what is run stays the same while somebody edits the sources.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { rolldown } from 'rolldown';

const ROOT = join(import.meta.dirname, '..', '..');

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
  },
});
const [minutes, seed] = [Number(values.minutes), Number(values.seed)];
if (!(minutes > 0) || !Number.isSafeInteger(seed)) {
  console.error('--minutes takes a number above 0, --seed a whole number');
  process.exit(2);
}

// Two folders below the root: what it imports finds the sources from there.
const folder = join(ROOT, 'node_modules', '.soak');
mkdirSync(folder, { recursive: true });
const file = join(folder, `bundle-${process.pid}.mjs`);
const build = await rolldown({
  input: join(import.meta.dirname, 'soak.ts'),
  platform: 'node',
  external: [/^[^./]/],
  onLog() {},
});
await build.write({ file, format: 'esm', codeSplitting: false });
await build.close();
// Each process that was started is ended at the exit.
process.setMaxListeners(0);
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));
process.once('exit', () => rmSync(file, { force: true }));
process.once('uncaughtException', (error) => {
  console.error(error);
  process.exit(1);
});
const { soak } = await import(pathToFileURL(file).href);
process.exit((await soak({ minutes, seed, root: ROOT })) ? 0 : 1);
