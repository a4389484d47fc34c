import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { replaceSection } from './report/readme-section.mjs';
import { REPORTS, type Figures } from './report/report.mjs';

function figures(part: string, results: unknown): Figures {
  return {
    part,
    machine: '2 × CPU, 24 GiB',
    date: '2026-08-20',
    versions: 'sqld 1',
    rounds: 5,
    results,
  };
}

const PEERS = figures('peers-local', [
  {
    work: 'append one event',
    results: { store: { ms: 0.2 }, 'legacy files': { ms: 0.5 }, PouchDB: { ms: 0.06 } },
  },
  { work: 'push 50,000 rows', results: { store: { ms: 3500 }, Turso: { ms: 10_400 } } },
]);

/** Costs that grow as a power of the number of rows. */
const grows = (exponent: number) =>
  [1000, 10_000, 100_000].map((rows) => ({ rows, ms: 0.01 * (rows / 1000) ** exponent }));

const GROWTH = figures('growth', [
  { work: 'append events', each: 'row', points: grows(0) },
  { work: 'find a word, 20 hits', each: 'call', points: grows(0.5) },
]);

/** Coordinates and lengths of a picture, none of them lost on the way. */
function numbersOf(svg: string): number[] {
  return [...svg.matchAll(/ (?:x|y|x1|x2|y1|y2|cx|cy|width|height)="([^"]*)"/g)].map((match) =>
    Number(match[1]),
  );
}

describe('the table of the peers', () => {
  it('has a row for each work, with how many times longer each peer takes', () => {
    const { text } = REPORTS.peers.render([PEERS]);
    expect(text).toMatch(/\| append one event +\| 0.2 ms +\| 0.5 ms \(2.5×\) +\| – +\| – +\|/);
    expect(text).toMatch(/60 µs \(0.30×\)/);
    expect(text).toMatch(/\| push 50,000 rows +\| 3.5 s +\| – +\| – +\| 10 s \(3.0×\) +\| – +\|/);
    expect(text).toContain('Measured 2026-08-20, 2 × CPU, 24 GiB; sqld 1; medians of 5 rounds');
  });

  it('tells once on what its parts were measured', () => {
    const { text } = REPORTS.peers.render([PEERS, { ...PEERS, part: 'peers-sync' }]);
    expect(text.split('Measured').length).toBe(2);
  });
});

describe('the charts', () => {
  it('draw a bar for each contender that can do a work, longer ones for longer times', () => {
    const { chart = '' } = REPORTS.peers.render([PEERS]);
    const bars = [...chart.matchAll(/<rect [^>]*width="([\d.]+)"/g)].map((match) =>
      Number(match[1]),
    );
    expect(bars).toHaveLength(5);
    const [append, legacy, pouch, push, turso] = bars as [number, number, number, number, number];
    expect([legacy > append, pouch < append, turso > push, push > legacy]).not.toContain(false);
  });

  it('draw a line for each work, level where a cost stays the same', () => {
    const { chart = '' } = REPORTS.growth.render([GROWTH]);
    const lines = [...chart.matchAll(/<polyline points="([^"]+)"/g)].map((match) =>
      (match[1] ?? '').split(' ').map((point) => point.split(',').map(Number)),
    );
    expect(lines).toHaveLength(2);
    const heights = lines.map((points) => points.map(([, y]) => y ?? NaN));
    expect(new Set(heights[0]).size).toBe(1);
    expect(heights[1]).toEqual([...(heights[1] ?? [])].sort((a, b) => b - a));
  });

  it.each(['peers', 'growth'] as const)(
    '%s: hold finite numbers and both colour schemes',
    (name) => {
      const { chart = '' } = REPORTS[name].render([name === 'peers' ? PEERS : GROWTH]);
      expect(numbersOf(chart).length).toBeGreaterThan(10);
      expect(numbersOf(chart).every(Number.isFinite)).toBe(true);
      expect(chart).toContain('prefers-color-scheme:dark');
      expect(chart).not.toMatch(/NaN|undefined/);
    },
  );
});

it('the table of growth tells the slope as an exponent', () => {
  const { text } = REPORTS.growth.render([GROWTH]);
  expect(text).toMatch(/append events, a row +\|.*\| 0\.00 +\| 0\.00 +\|/);
  expect(text).toMatch(/find a word, 20 hits, a call +\|.*\| 0\.50 +\| 0\.50 +\|/);
});

it('the table of long life shows its rows as they were measured', () => {
  const rows = [['open', '12 ms', '11 ms', '50 ms']];
  const { text, chart } = REPORTS['long-life'].render([figures('long-life', rows)]);
  expect(text).toMatch(/\| open +\| 12 ms +\| 11 ms +\| 50 ms +\|/);
  expect(chart).toBeUndefined();
});

describe('a section of the README', () => {
  const text = 'before\n<!-- bench:peers -->\nold\n<!-- /bench:peers -->\nafter\n';

  it('is replaced between its markers, and nothing else is', () => {
    expect(replaceSection(text, 'peers', 'new\n')).toBe(
      'before\n<!-- bench:peers -->\n\nnew\n\n<!-- /bench:peers -->\nafter\n',
    );
  });

  it.each([
    ['without markers', 'before'],
    ['twice', text + text],
    ['without an end', 'before\n<!-- bench:peers -->\nold'],
    ['that ends first', '<!-- /bench:peers --> <!-- bench:peers -->'],
  ])('is refused %s', (_, broken) => {
    expect(() => replaceSection(broken, 'peers', 'new')).toThrow('the README has no section');
  });

  it.each(Object.keys(REPORTS))('stands in the README: %s', (name) => {
    const readme = readFileSync('README.md', 'utf8');
    expect(() => replaceSection(readme, name, 'new')).not.toThrow();
  });
});
