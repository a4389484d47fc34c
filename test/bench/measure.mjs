import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { resolve } from 'node:path';

/** The middle of several numbers. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/** How long a work is called again in each round, in milliseconds. */
const ROUND_MS = 50;

/**
 * Times two ways of one work side by side: they take turns, so that whatever else the machine does
 * falls on both. A short work is called many times in its turn: a single call right after the other
 * side's would tell of cold caches and of the other's garbage.
 *
 * @returns medians in milliseconds, and how many times faster `ours` is
 */
export async function compare(rounds, ours, theirs) {
  const own = [];
  const other = [];
  await ours();
  await theirs();
  for (let i = 0; i < rounds; i++) {
    own.push(await timeOfCall(ours));
    other.push(await timeOfCall(theirs));
  }
  const [a, b] = [median(own), median(other)];
  return { ours: a, theirs: b, ratio: b / a };
}

async function timeOfCall(work) {
  let calls = 0;
  let ms = 0;
  for (; ms < ROUND_MS; calls++) ms += await time(work);
  return ms / calls;
}

/** Milliseconds that a work takes. */
export async function time(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

export function machine() {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} × ${cpu.model.trim()}, ${memory} GiB, Node ${process.version}, ${process.platform}`;
}

/** The machine in a line, with its kernel and what the folder of the benchmark lies on. */
export function place(folder) {
  return `${machine()} ${release()}, ${fileSystemOf(folder)}`;
}

/** The mount that holds a folder, as `ext4 on /dev/vda`. */
function fileSystemOf(folder) {
  const path = resolve(folder);
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, at]) => at === '/' || path === at || path.startsWith(`${at}/`));
  const [device, , type] = mounts.reduce((a, b) => (b[1].length >= a[1].length ? b : a));
  return `${type} on ${device}`;
}

/** A time as people write it, from microseconds to minutes, in three digits. */
export function duration(ms) {
  if (ms < 0.0995) return `${digits(ms * 1000)} µs`;
  if (ms < 995) return `${digits(ms)} ms`;
  if (ms < 119_500) return `${digits(ms / 1000)} s`;
  return `${digits(ms / 60_000)} min`;
}

function digits(value) {
  if (value >= 100) return String(Math.round(value));
  return String(Number(value.toPrecision(2)));
}

/** The value below which a part of the values lies. */
export function quantile(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(Math.floor(part * sorted.length), sorted.length - 1)];
}

export function milliseconds(value) {
  if (value >= 100) return `${Math.round(value)} ms`;
  if (value >= 1) return `${value.toFixed(1)} ms`;
  return `${value.toFixed(3)} ms`;
}

/** Prints rows as a Markdown table that is aligned for reading too. */
export function table(head, rows) {
  const all = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...all.map((row) => String(row[i]).length)));
  const line = (row) => `| ${row.map((cell, i) => String(cell).padEnd(widths[i])).join(' | ')} |`;
  return [
    line(head),
    `| ${widths.map((w) => '-'.repeat(w)).join(' | ')} |`,
    ...rows.map(line),
  ].join('\n');
}
