import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { SEED } from '../support/seed.ts';

/** With its start and its end it takes most of a minute. */
const MINUTES = 0.15;

it('five devices under all faults at once lose nothing, and end with every check', async () => {
  const args = ['test/soak/run.mjs', '--minutes', String(MINUTES), '--seed', String(SEED)];
  const child = spawn(process.execPath, args);
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => output.push(text));
  }
  const [code] = (await once(child, 'close')) as [number | null];
  const text = output.join('');
  const faults = /^faults: (.*)$/m.exec(text)?.[1] ?? '';
  console.log(`soak: seed ${SEED}; ${faults}`);
  expect(code, text).toBe(0);
  // It goes without saying that they happened only where they did.
  const happened = [...faults.matchAll(/ ([1-9]\d*)(?:,|$)/g)];
  expect(happened.length, faults).toBeGreaterThanOrEqual(4);
  expect(Number(/(\d+) writes acknowledged; /.exec(text)?.[1])).toBeGreaterThan(100);
}, 300_000);
