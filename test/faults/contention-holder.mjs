// Another program that holds the lock for writing for a time: `hold` again and again until it is
// killed, or `once`. Arguments: store, how, milliseconds.
import { writeSync } from 'node:fs';
import Driver from 'libsql';

const [path, how, ms] = process.argv.slice(2);
const driver = new Driver(path, { timeout: 10_000 });
const pause = (time) => new Promise((resolve) => setTimeout(resolve, time));

do {
  driver.exec('begin immediate');
  driver.exec('delete from search_docs');
  writeSync(1, 'HELD\n');
  await pause(Number(ms));
  driver.exec('rollback');
  // The others get their turn.
  await pause(5);
} while (how === 'hold');
