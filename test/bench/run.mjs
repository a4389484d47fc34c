// npm run bench [-- --rounds N] [--json] [lists|appends|bulk|sync …]: the figures of the README, as
// Markdown. `sync` stands for its five parts: writes, first, trip, foreground and trickle.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { appends } from './appends.mjs';
import { bulk } from './bulk.mjs';
import { lists } from './lists.mjs';
import { machine, table } from './measure.mjs';
import { first } from './sync-first.mjs';
import { foreground } from './sync-foreground.mjs';
import { trickle } from './sync-trickle.mjs';
import { trip } from './sync-trip.mjs';
import { versions } from './sync-hub.mjs';
import { writes } from './sync-writes.mjs';

const library = await import('../../dist/index.js');
const args = process.argv.slice(2);
const at = args.indexOf('--rounds');
const rounds = at < 0 ? 5 : Number(args.splice(at, 2)[1]);
const json = args.includes('--json');
const sync = { writes, first, trip, foreground, trickle };
const parts = { lists, appends, bulk, ...sync };
const named = args.filter((name) => name !== '--json');
const wanted = (named.length > 0 ? named : ['lists', 'appends', 'bulk']).flatMap((name) =>
  name === 'sync' ? Object.keys(sync) : [name],
);
const folder = mkdtempSync(join(tmpdir(), 'cws-bench-'));
const say = (text) => process.stderr.write(`${text}\n`);

try {
  const results = {};
  for (const name of wanted) results[name] = await parts[name](library, folder, rounds, say);
  if (json) {
    console.log(JSON.stringify({ machine: machine(), versions: versions(), rounds, results }));
  } else {
    console.log(`${machine()}; medians of ${rounds} rounds, both sides in turns, warm cache\n`);
    print(results);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function print(results) {
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
  console.log(`${versions()}\n`);
  console.log(table(['work', 'with sync', 'against', 'ratio'], synced));
}
