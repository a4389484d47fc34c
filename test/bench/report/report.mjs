// The figures that stand in the README: kept as JSON beside their charts, so that parts of a report
// can be measured one after the other, and written between the markers of its section.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { growthReport } from './growth-section.mjs';
import { longLifeReport } from './long-life-section.mjs';
import { peersReport } from './peers-section.mjs';
import { replaceSection } from './readme-section.mjs';

const FIGURES = new URL('../figures/', import.meta.url);
const README = fileURLToPath(new URL('../../../README.md', import.meta.url));

/**
 * Each section of the README: the parts of the benchmark that it shows, and what makes its text and
 * its chart of the figures of those parts that were measured.
 */
export const REPORTS = {
  peers: { parts: ['peers-local', 'peers-sync', 'peers-trip'], render: peersReport },
  growth: { parts: ['growth'], render: growthReport },
  'long-life': { parts: ['long-life'], render: longLifeReport },
};

/**
 * Prints a section with the figures of a part that was just measured, and with `write` those of the
 * other parts of its section; `write` keeps them and writes them into the README.
 *
 * @param figures - `{ part, machine, date, versions, rounds, results }`
 */
export async function keep(name, figures, write) {
  const file = fileURLToPath(new URL(`${name}.json`, FIGURES));
  const kept = write && existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  const all = { ...kept, [figures.part]: figures };
  if (write) mkdirSync(FIGURES, { recursive: true });
  // First of all: the figures may have taken an hour.
  if (write) await writeFormatted(file, JSON.stringify(all));
  const { parts, render } = REPORTS[name];
  const { text, chart } = render(parts.flatMap((part) => all[part] ?? []));
  console.log(`${text}\n`);
  if (!write) return;
  if (chart) writeFileSync(new URL(`${name}.svg`, FIGURES), chart);
  await writeFormatted(README, replaceSection(readFileSync(README, 'utf8'), name, text));
}

async function writeFormatted(file, text) {
  const options = await resolveConfig(file);
  writeFileSync(file, await format(text, { ...options, filepath: file }));
}
