// The memory of a process that writes and syncs, minute by minute.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startHub } from './sync-hub.mjs';

const WRITER = fileURLToPath(new URL('./long-life-writer.mjs', import.meta.url));
const EVERY_MS = 5000;
const MIB = 2 ** 20;

/** @returns rows as `longLife` has them: the memory after a tenth of the time, at the end, its slope */
export async function soak(folder, minutes, say) {
  const place = join(folder, 'soak');
  const hub = await startHub(join(place, 'hub'));
  const writer = fork(WRITER, [join(place, 'store.db'), hub.url]);
  try {
    await once(writer, 'message');
    const samples = [];
    const start = performance.now();
    for (let told = 0; performance.now() - start < minutes * 60_000;) {
      await sleep(EVERY_MS);
      const at = (performance.now() - start) / 60_000;
      samples.push({ at, bytes: memoryOf(writer.pid) });
      if (at < told + 1) continue;
      told = Math.floor(at);
      say(`soak, minute ${told} of ${minutes}: ${mib(samples.at(-1).bytes)}`);
    }
    writer.send('end');
    const [{ written, pending }] = await once(writer, 'message');
    // The first tenth warms up: caches fill, code is compiled.
    const settled = samples.filter(({ at }) => at > minutes / 10);
    const [first, last] = [settled.slice(0, 6), settled.slice(-6)].map(meanOf);
    const slope = (slopeOf(settled) * 60) / MIB;
    return [
      [
        `memory of a process that writes and syncs for ${minutes} minutes`,
        `${mib(first)} → ${mib(last)}, ${slope.toFixed(1)} MiB an hour`,
        '–',
        'flat',
      ],
      ['  what it wrote, and what was not yet sent', `${written} rows, ${pending}`, '–', ''],
    ];
  } finally {
    const gone = writer.exitCode === null ? once(writer, 'exit') : undefined;
    if (writer.connected) writer.disconnect();
    await gone;
    await hub.stop();
  }
}

function memoryOf(pid) {
  return 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
}

const meanOf = (samples) => samples.reduce((sum, { bytes }) => sum + bytes, 0) / samples.length;

/** Bytes a minute, by least squares. */
function slopeOf(samples) {
  const mean = samples.reduce((sum, { at }) => sum + at, 0) / samples.length;
  const level = meanOf(samples);
  const over = samples.reduce((sum, { at, bytes }) => sum + (at - mean) * (bytes - level), 0);
  return over / samples.reduce((sum, { at }) => sum + (at - mean) ** 2, 0);
}

const mib = (value) => `${(value / MIB).toFixed(0)} MiB`;
