import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { fetchDebianTool } from './debian-tool.ts';
import { tempFolder } from './temp-store.ts';

const run = promisify(execFile);

it('fetches a tool that is not installed, once, also where two ask at the same moment', async () => {
  const cache = tempFolder();
  const [one, two] = await Promise.all([
    fetchDebianTool('strace', cache),
    fetchDebianTool('strace', cache),
  ]);
  expect(one).toBe(two);
  expect(one.startsWith(cache)).toBe(true);
  expect((await run(one, ['-V'])).stdout).toMatch(/^strace -- version/);
  // Without apt: it is there.
  const again = fetchDebianTool('strace', cache);
  expect(await again).toBe(one);
});
