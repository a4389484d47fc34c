import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import type { StepFigures } from './large-text-figures.ts';

let gapMs = 0;
let lastTurn = performance.now();
let lastCpu = process.cpuUsage();
/** A time in which this process did not get a core, or waited for a disk, is not one that it held. */
function noteTurn(): void {
  const now = performance.now();
  const { user, system } = process.cpuUsage(lastCpu);
  gapMs = Math.max(gapMs, Math.min(now - lastTurn, (user + system) / 1000));
  lastTurn = now;
  lastCpu = process.cpuUsage();
}

const collect = (globalThis as { gc?: () => void }).gc;

/** In KiB: the memory of this process now (`VmRSS`), or the most since it was set back (`VmHWM`). */
function memory(kind: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync('/proc/self/status', 'utf8');
  return Number(new RegExp(`${kind}:\\s+(\\d+)`).exec(status)?.[1]);
}

/** Runs a step and prints what it took: a line of {@link StepFigures}. */
export async function step<T>(name: string, job: () => Promise<T>): Promise<T> {
  collect?.();
  // What was freed goes back to the system a moment later.
  await setTimeout(50);
  writeFileSync('/proc/self/clear_refs', '5');
  const before = memory('VmRSS');
  const started = performance.now();
  noteTurn();
  gapMs = 0;
  const result = await job();
  noteTurn();
  const figures: StepFigures = {
    step: name,
    ms: Math.round(performance.now() - started),
    gapMs: Math.round(gapMs),
    grownMb: Math.round(((memory('VmHWM') - before) * 1024) / 1e6),
  };
  console.log(JSON.stringify(figures));
  return result;
}

const timer = setInterval(noteTurn, 2);

export function endSteps(): void {
  clearInterval(timer);
}
