import { duration, table } from '../measure.mjs';
import { lineChart } from './line-chart.mjs';
import { measuredOn } from './measured-on.mjs';

/**
 * The table and the chart of what a row costs among more and more.
 *
 * @param parts - figures whose `results` are `{ work, each, points: [{ rows, ms }] }`
 */
export function growthReport(parts) {
  const works = parts.flatMap((part) => part.results);
  const sizes = works[0].points.map(({ rows }) => rows);
  const rows = works.map(({ work, each, points }) => [
    `${work}, a ${each}`,
    ...points.map(({ ms }) => duration(ms)),
    slope(points).toFixed(2),
    slope(points.slice(-2)).toFixed(2),
  ]);
  const head = ['work', ...sizes.map((size) => size.toLocaleString('en')), 'slope', 'at the end'];
  const text = [
    '![Lines of the costs below over the number of rows](test/bench/figures/growth.svg)',
    table(head, rows),
    `The slope is the exponent of the power of the number of rows that a cost grows with: 0 where it stays the
same, 1 where it grows as the rows do; “at the end”, between the two largest sizes only.`,
    measuredOn(parts, () => 'medians of 5, 5, 3 stores of a size and of 1'),
  ].join('\n\n');
  const lines = works.map(({ work, each, points }) => ({
    name: `${short(work)}, a ${each}`,
    points,
  }));
  return { text, chart: lineChart('What a row costs among many', lines) };
}

/** The exponent b of cost = a × rows^b that fits best: 0 where the number of rows does not matter. */
function slope(points) {
  const x = points.map(({ rows }) => Math.log(rows));
  const y = points.map(({ ms }) => Math.log(ms));
  const mean = (list) => list.reduce((sum, value) => sum + value, 0) / list.length;
  const [mx, my] = [mean(x), mean(y)];
  const over = mean(x.map((value, i) => (value - mx) * (y[i] - my)));
  return over / mean(x.map((value) => (value - mx) ** 2));
}

/** The name of a line: what stands before the first comma or bracket. */
const short = (work) => work.split(/,| \(/)[0];
