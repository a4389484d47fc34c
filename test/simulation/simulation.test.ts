import { execFile } from 'node:child_process';
import { describe, expect, it } from 'vitest';

interface Ran {
  readonly code: number;
  readonly output: string;
}

/** The seeds run in processes of their own: the driver gives files back when a process ends. */
function simulate(seed: number, seeds: number): Promise<Ran> {
  const args = ['test/simulation/run.mjs', '--seed', String(seed), '--seeds', String(seeds)];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === 'number' ? error.code : 1) : 0;
      resolve({ code, output: stdout + stderr });
    });
  });
}

describe('the simulation of devices, a hub and everything that goes wrong', () => {
  it.each([
    {
      name: 'the seeds of every run',
      seed: 1,
      seeds: 10,
      happens: ['damagedInPlace', 'forged', 'takenOff'],
    },
    // So few may have none of one kind.
    { name: 'seeds of this run alone', seed: Math.floor(Date.now() / 1000), seeds: 4, happens: [] },
  ])(
    'loses nothing and ends with equal devices: $name, from $seed',
    async ({ seed, seeds, happens }) => {
      const { code, output } = await simulate(seed, seeds);
      console.log(output.split('\n').slice(0, 2).join('\n'));
      expect(code, output).toBe(0);
      for (const name of happens) expect(output).toMatch(new RegExp(`\\b${name} [1-9]`));
    },
    30 * 60_000,
  );
});
