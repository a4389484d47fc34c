import { it } from 'vitest';
import { join } from 'node:path';
import { startSqld } from '../../support/sqld.ts';
import { startSyncProcess } from '../../support/sync-process.ts';
import { tempFolder, tempStore } from '../../support/temp-store.ts';
it('x', async () => {
  const sqld = await startSqld();
  const path = join(tempFolder(), 'store.db');
  const store = await tempStore({ path });
  await store.sync.enable(sqld.url, { encryption: false });
  for (let i = 0; i < 60; i++) { const p = await startSyncProcess(path, 'forget'); const e = await p.ended; if (e !== 0) console.log(i, e, p.noise.join('').slice(0, 1500)); }
}, 300_000);
