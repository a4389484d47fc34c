// Makes files that people rely on, and says after each that it is done.
// Arguments: library, folder, what.
import { writeSync } from 'node:fs';
import { join } from 'node:path';

const [library, folder, what] = process.argv.slice(2);
const { hub, openStore, restoreStore } = await import(library);
const done = (name) => writeSync(1, `DONE ${name}\n`);
const path = join(folder, 'home', 'store', 'store.db');
const copies = join(folder, 'copies');

const jobs = {
  async restore() {
    const { replaced } = await restoreStore(join(copies, 'backup.db'), path);
    done(`restore ${replaced}`);
  },
  async hub() {
    const dir = join(folder, 'hub');
    await hub.init({ dir });
    done('init');
    await hub.token({ dir, device: 'laptop' });
    done('token');
    await hub.token({ dir, device: 'laptop' });
    done('token again');
  },
  async export() {
    const store = await openStore({ path });
    await store.export(join(folder, 'exported'), { format: 'legacy' });
    done('export');
    await store.close();
  },
};
await jobs[what]();
