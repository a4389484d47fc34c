// Another process that reads a store until it is let go. Arguments: the store file, and either
// `lists` (one list after the other, through the public API) or `snapshot` (one read transaction).
import Driver from 'libsql';

const [path, mode] = process.argv.slice(2);
let on = true;
process.once('disconnect', () => (on = false));

if (mode === 'snapshot') {
  const driver = new Driver(path);
  driver.exec('begin');
  driver.prepare('select count(*) from sessions').get();
  process.send('ready');
  process.once('disconnect', () => {
    driver.exec('commit');
    driver.close();
  });
} else {
  const { openStore } = await import('../../dist/index.js');
  const store = await openStore({ path });
  process.send('ready');
  while (on) {
    await store.sessions.list({ limit: 1000 });
    // Lets the end of the parent in.
    await new Promise(setImmediate);
  }
  await store.close();
}
