// npm run bench [-- --rounds N] [lists|appends|bulk …]: the figures of the README, as Markdown.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { appends } from './appends.mjs';
import { bulk } from './bulk.mjs';
import { lists } from './lists.mjs';
import { machine, table } from './measure.mjs';

const library = await import('../../dist/index.js');
const args = process.argv.slice(2);
const at = args.indexOf('--rounds');
const rounds = at < 0 ? 5 : Number(args.splice(at, 2)[1]);
const parts = { lists, appends, bulk };
const wanted = args.length > 0 ? args : Object.keys(parts);
const folder = mkdtempSync(join(tmpdir(), 'cws-bench-'));
const say = (text) => process.stderr.write(`${text}\n`);

try {
  const results = {};
  for (const name of wanted) results[name] = await parts[name](library, folder, rounds, say);
  console.log(`${machine()}; medians of ${rounds} rounds, both sides in turns, warm cache\n`);
  if (results.lists) {
    console.log(
      table(['list', 'store', 'legacy files', 'bytes read there', 'ratio'], results.lists),
    );
    console.log();
  }
  const writes = [...(results.appends ?? []), ...(results.bulk ?? [])];
  if (writes.length > 0) console.log(table(['work', 'store', 'against', 'ratio'], writes));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
