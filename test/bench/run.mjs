// npm run bench [-- --rounds N] [--json] [--write] [part …]: the figures of the README, as Markdown.
//
//   lists appends bulk (the default)   the store alone
//   sync      writes first trip foreground trickle: with a hub
//   peers     peers-local peers-sync peers-trip: against what one would use instead; installs it
//   growth    [--rows-max N]: what a row costs among a thousand and among a million
//   long-life [--gb N --events N --dir D --soak-minutes N]: a store of many years
//
// With --write the last three replace their sections of the README, and their charts.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { appends } from './appends.mjs';
import { bulk } from './bulk.mjs';
import { growth } from './growth.mjs';
import { lists } from './lists.mjs';
import { longLife } from './long-life.mjs';
import { machine, place, table } from './measure.mjs';
import { peerVersions, peersLocal, peersSync, peersTrip } from './peers.mjs';
import { keep, REPORTS } from './report/report.mjs';
import { first } from './sync-first.mjs';
import { foreground } from './sync-foreground.mjs';
import { trickle } from './sync-trickle.mjs';
import { trip } from './sync-trip.mjs';
import { versions } from './sync-hub.mjs';
import { writes } from './sync-writes.mjs';

const library = await import('../../dist/index.js');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    'rows-max': { type: 'string', default: '1000000' },
    gb: { type: 'string', default: '10' },
    events: { type: 'string', default: '5000000' },
    dir: { type: 'string' },
    'soak-minutes': { type: 'string', default: '0' },
  },
});
const rounds = Number(values.rounds);
const sync = { writes, first, trip, foreground, trickle };
const peers = { 'peers-local': peersLocal, 'peers-sync': peersSync, 'peers-trip': peersTrip };
const parts = { lists, appends, bulk, ...sync, ...peers, growth, 'long-life': longLife };
const groups = { sync: Object.keys(sync), peers: Object.keys(peers) };
const wanted = (positionals.length > 0 ? positionals : ['lists', 'appends', 'bulk']).flatMap(
  (name) => groups[name] ?? [name],
);
const folder = mkdtempSync(join(tmpdir(), 'cws-bench-'));
const say = (text) => process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);

try {
  const results = {};
  for (const name of wanted) {
    const reported = Object.entries(REPORTS).find(([, report]) => report.parts.includes(name));
    results[name] = await parts[name](library, folder, rounds, say, values);
    if (!reported) continue;
    const figures = {
      machine: place(folder),
      date: new Date().toISOString().slice(0, 10),
      versions: [versions(), ...(name in peers ? peerVersions() : [])].join(', '),
      rounds,
      part: name,
      results: results[name],
    };
    await keep(reported[0], figures, values.write);
  }
  if (values.json) {
    console.log(JSON.stringify({ machine: machine(), versions: versions(), rounds, results }));
  } else {
    print(results);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function print(results) {
  if (results.lists || results.appends || results.bulk) {
    console.log(`${machine()}; medians of ${rounds} rounds, both sides in turns, warm cache\n`);
  }
  if (results.lists) {
    console.log(
      table(['list', 'store', 'legacy files', 'bytes read there', 'ratio'], results.lists),
    );
    console.log();
  }
  const works = [...(results.appends ?? []), ...(results.bulk ?? [])];
  if (works.length > 0) console.log(table(['work', 'store', 'against', 'ratio'], works), '\n');
  const synced = Object.keys(sync).flatMap((name) => results[name] ?? []);
  if (synced.length === 0) return;
  console.log(`${machine()}; ${versions()}; medians of ${rounds} rounds\n`);
  console.log(table(['work', 'with sync', 'against', 'ratio'], synced));
}
