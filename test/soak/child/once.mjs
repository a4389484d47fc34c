// One job on the store of a device, in a process that ends with it.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import Driver from 'libsql';
import { clock, config, failureOf, openHere, restoreStore, tell } from './protocol.mjs';
import { inspect } from './inspect.mjs';

const jobs = {
  inspect: () => inspect(config.path),
  backup: async () => {
    rmSync(config.file, { force: true });
    const store = await openHere();
    await store.backup(config.file);
    await store.close();
  },
  restore: async () => {
    const { replaced } = await restoreStore(config.file, config.path, { clock });
    // Only the room that it takes: what was in it has been looked at.
    for (const suffix of ['', '-wal', '-shm']) rmSync(replaced + suffix, { force: true });
  },
  vacuum: async () => {
    const store = await openHere();
    await store.vacuum();
    await store.close();
  },
  import: async () => {
    const store = await openHere();
    const report = await store.import([config.home]);
    await store.close();
    return report.problems?.length;
  },
  read: async () => {
    const store = await openHere();
    await store.search('loader');
    await store.stats();
    await store.sessions.list({ archived: 'include', limit: 500 });
    await store.close();
  },
  /** Keeps everybody from writing, and may be killed meanwhile. */
  hold: async () => {
    const driver = new Driver(config.path, { timeout: 5000 });
    driver.exec('begin immediate');
    tell({ t: 'holding' });
    await sleep(config.ms);
    driver.exec('rollback');
  },
  fresh: async () => {
    if (!existsSync(config.skewFile)) {
      mkdirSync(config.home, { recursive: true });
      writeFileSync(config.skewFile, '0');
    }
    const store = await openHere();
    await store.sync.enable(config.url, config.options);
    const report = await store.sync.now();
    const { digest, tables } = await store.sync.verify();
    await store.close();
    return { digest, tables, pulled: report.pulled };
  },
};

try {
  tell({ t: 'done', value: (await jobs[config.job]()) ?? null });
} catch (error) {
  tell({ t: 'done', error: failureOf(error) });
}
process.exit(0);
