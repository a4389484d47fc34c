import { duration } from '../measure.mjs';
import { colour, decades, label, line, picture, round } from './svg.mjs';

const WIDTH = 760;
const LEFT = 130;
const RIGHT = 80;
const BAR = 15;
const GAP = 4;
const HEAD = 30;

/**
 * A group of bars for each work, a bar for each contender that can do it, on one logarithmic scale:
 * shorter is faster.
 *
 * @param works - `{ work, results: { contender: { ms } } }`; the first contender is the store
 */
export function barChart(title, contenders, works) {
  const times = works.flatMap((work) => Object.values(work.results).map(({ ms }) => ms));
  const { low, high } = decades(times);
  const scale = (WIDTH - LEFT - RIGHT) / (high - low);
  const at = (ms) => LEFT + (Math.log10(ms) - low) * scale;
  const bars = [];
  let y = HEAD;
  for (const { work, results } of works) {
    bars.push(label(8, y + 16, work, { bold: true }));
    y += 24;
    for (const [index, name] of contenders.entries()) {
      const result = results[name];
      if (!result) continue;
      const width = Math.max(at(result.ms) - LEFT, 2);
      bars.push(
        label(LEFT - 8, y + BAR - 3, name, { anchor: 'end', quiet: true }),
        `<rect x="${LEFT}" y="${y}" width="${round(width)}" height="${BAR}" rx="2" fill="${colour(index)}"/>`,
        label(LEFT + width + 6, y + BAR - 3, duration(result.ms)),
      );
      y += BAR + GAP;
    }
    y += 10;
  }
  const axis = [];
  for (let exponent = low; exponent <= high; exponent++) {
    const x = at(10 ** exponent);
    axis.push(
      line(x, HEAD, x, y),
      label(x, 20, duration(10 ** exponent), { anchor: 'middle', quiet: true }),
    );
  }
  return picture(WIDTH, y + 8, title, [...axis, ...bars]);
}
