import { it } from 'vitest';
import { execFileSync } from 'node:child_process';
import { startSqld } from '../../support/sqld.ts';
import { builtLibrary } from '../../support/built-library.ts';
it('p99', async () => {
  const sqld = await startSqld();
  const lib = await builtLibrary();
  const run = (env: object, ...args: string[]) => execFileSync('nice', ['-n', '-15', process.execPath, 'test/support/zz-p99.mjs', lib, sqld.url, ...args], { env: { ...process.env, ...env }, encoding: 'utf8' });
  run({}, 'fill');
  for (const [STEP, REST] of JSON.parse(process.env.GRID ?? '[[50,3]]') as [number, number][]) console.log(run({ STEP, REST }));
}, 600_000);
