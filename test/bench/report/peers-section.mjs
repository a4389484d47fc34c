import { duration, table } from '../measure.mjs';
import { barChart } from './bar-chart.mjs';
import { measuredOn } from './measured-on.mjs';

/** In the order of columns and bars; the store comes first. */
export const CONTENDERS = ['store', 'legacy files', 'libsql binding', 'Turso', 'PouchDB'];

/** What has to be known to read the table. */
const NOTES = `The same records for all, in turns. In brackets: how many times longer than the store. A dash: it
cannot do that, or not so.

- **Durability.** One append is on disk when it returns, with a sync of its own: store, libsql binding and
  Turso (\`synchronous = full\`), legacy files (counter file, its folder, and the line). PouchDB writes to
  LevelDB without a sync and has no setting for it. The servers are as they start by themselves: sqld and
  PouchDB's do not sync each commit, Turso's was not looked into.
- **libsql binding** is the limit: prepared statements on a copy of the very file, nothing around them.
- **Lists** are asked for 30 times in all, in a process that has just begun. The store's also says where other
  devices went on and where a folder lies on this one; asked for again and again it takes half of that.
- **Search.** The store and the binding, on its file, have an index of words. The others look at every message.
- **Servers**, each in a process of its own on the loopback: sqld; \`tursodb --sync-server\`, which is made for
  development and answers a long poll at once, so that its reader asks without a pause; express-pouchdb.
  PouchDB replicates 1,000 documents at a time in place of 100.
- **Encryption** end to end: only the store has it. Its rows go from A to B with it, the rest as told.`;

/**
 * The table and the chart of the store against its peers.
 *
 * @param parts - figures whose `results` are `{ work, results: { contender: { ms } } }`
 */
export function peersReport(parts) {
  const works = parts.flatMap((part) => part.results);
  const rows = works.map(({ work, results }) => [
    work,
    ...CONTENDERS.map((name) => cell(results[name], results.store)),
  ]);
  const text = [
    '![Bars of the times below, one group for each work](test/bench/figures/peers.svg)',
    table(['work', ...CONTENDERS], rows),
    NOTES,
    measuredOn(parts, (rounds) => `medians of ${rounds} rounds after one to warm up`),
  ].join('\n\n');
  return { text, chart: barChart('The store and its peers: shorter is faster', CONTENDERS, works) };
}

/** A time, and for a peer how many times longer (above 1) or shorter it is than that of the store. */
function cell(result, own) {
  if (!result) return '–';
  if (result === own) return duration(result.ms);
  return `${duration(result.ms)} (${ratio(result.ms / own.ms)}×)`;
}

function ratio(value) {
  if (value >= 100) return Math.round(value).toLocaleString('en');
  return value >= 10 ? value.toFixed(0) : value.toPrecision(2);
}
