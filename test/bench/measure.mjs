import { cpus, totalmem } from 'node:os';

/** The middle of several numbers. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/**
 * Times two ways of one work side by side: they take turns, so that whatever else the machine does
 * falls on both.
 *
 * @returns medians in milliseconds, and how many times faster `ours` is
 */
export async function compare(rounds, ours, theirs) {
  const own = [];
  const other = [];
  await ours();
  await theirs();
  for (let i = 0; i < rounds; i++) {
    own.push(await time(ours));
    other.push(await time(theirs));
  }
  const [a, b] = [median(own), median(other)];
  return { ours: a, theirs: b, ratio: b / a };
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
