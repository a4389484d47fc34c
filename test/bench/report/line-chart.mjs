import { duration } from '../measure.mjs';
import { colour, decades, label, line, picture, round } from './svg.mjs';

const WIDTH = 880;
const HEIGHT = 420;
const EDGE = { left: 70, right: 296, top: 20, bottom: 40 };

/**
 * How the cost of works grows with the number of rows, both axes logarithmic.
 *
 * @param lines - `{ name, points: [{ rows, ms }] }`
 */
export function lineChart(title, lines) {
  const points = lines.flatMap((one) => one.points);
  const across = decades(points.map(({ rows }) => rows));
  const up = decades(points.map(({ ms }) => ms));
  const spanX = WIDTH - EDGE.left - EDGE.right;
  const spanY = HEIGHT - EDGE.top - EDGE.bottom;
  const x = (rows) =>
    EDGE.left + ((Math.log10(rows) - across.low) / (across.high - across.low)) * spanX;
  const y = (ms) => EDGE.top + ((up.high - Math.log10(ms)) / (up.high - up.low)) * spanY;
  const parts = [];
  for (let i = across.low; i <= across.high; i++) {
    const text = (10 ** i).toLocaleString('en');
    parts.push(
      line(x(10 ** i), EDGE.top, x(10 ** i), HEIGHT - EDGE.bottom),
      label(x(10 ** i), HEIGHT - EDGE.bottom + 18, `${text} rows`, {
        anchor: 'middle',
        quiet: true,
      }),
    );
  }
  for (let i = up.low; i <= up.high; i++) {
    parts.push(
      line(EDGE.left, y(10 ** i), WIDTH - EDGE.right, y(10 ** i)),
      label(EDGE.left - 8, y(10 ** i) + 4, duration(10 ** i), { anchor: 'end', quiet: true }),
    );
  }
  const ends = spread(lines.map((one) => y(one.points.at(-1).ms)));
  for (const [index, { name, points: own }] of lines.entries()) {
    const path = own.map(({ rows, ms }) => `${round(x(rows))},${round(y(ms))}`).join(' ');
    parts.push(
      `<polyline points="${path}" fill="none" stroke="${colour(index)}" stroke-width="2"${index > 5 ? ' stroke-dasharray="5 3"' : ''}/>`,
      ...own.map(
        ({ rows, ms }) =>
          `<circle cx="${round(x(rows))}" cy="${round(y(ms))}" r="3" fill="${colour(index)}"/>`,
      ),
      `<rect x="${WIDTH - EDGE.right + 8}" y="${round(ends[index] - 2)}" width="10" height="4" fill="${colour(index)}"/>`,
      label(WIDTH - EDGE.right + 24, ends[index] + 4, name),
    );
  }
  return picture(WIDTH, HEIGHT, title, parts);
}

/** Moves labels apart that would lie on each other, in their order from the top. */
function spread(heights) {
  const order = heights
    .map((height, index) => ({ height, index }))
    .sort((a, b) => a.height - b.height);
  const placed = [];
  let last = -Infinity;
  for (const { height, index } of order) {
    last = Math.max(height, last + 15);
    placed[index] = last;
  }
  return placed;
}
