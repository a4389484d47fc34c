import { execFile } from 'node:child_process';
import { expect, it } from 'vitest';

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

it(
  'devices, a hub and everything that goes wrong: nothing is lost, and all end equal',
  async () => {
    const { code, output } = await simulate(1, 4);
    console.log(output.split('\n').slice(0, 2).join('\n'));
    expect(code, output).toBe(0);
    for (const name of ['damagedInPlace', 'forged', 'takenOff']) {
      expect(output).toMatch(new RegExp(`\\b${name} [1-9]`));
    }
  },
  30 * 60_000,
);
