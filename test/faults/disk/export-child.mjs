// Exports into a small disk, a read-only one and a folder that goes away, and says how it failed, as JSON.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [library, path, disks] = process.argv.slice(2);
const { openStore } = await import(library);
const store = await openStore({ path });

async function failure(dir, format, onProgress) {
  try {
    await store.export(dir, { format, onProgress });
    return 'none';
  } catch ({ name, code, message, hint, retryable }) {
    return { name, code, message, hint, retryable };
  }
}

const result = {};
for (const format of ['legacy', 'jsonl', 'markdown']) {
  const gone = join(path, '..', `gone-${format}`);
  let progress = 0;
  result[format] = {
    full: await failure(join(disks, 'small', format), format),
    readOnly: await failure(join(disks, 'ro', format), format),
    vanished: await failure(gone, format, () => {
      if (progress++ > 0) return;
      rmSync(gone, { recursive: true });
    }),
  };
  rmSync(join(disks, 'small', format), { recursive: true });
}
await store.close();
mkdirSync(join(disks, 'small', 'cli'));
const main = fileURLToPath(new URL('cli/main.js', library));
const args = ['--db', path, '--json', 'export', join(disks, 'small', 'cli'), '--format', 'jsonl'];
const { status, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
result.cli = { status, error: JSON.parse(stderr).error };
console.log(JSON.stringify(result));
