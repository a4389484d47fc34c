// Writes on and on while the disk fails now and then, and says what became of each write:
// `ACK n` or `REFUSED n code`. Arguments: library, store, thread, how many refusals to wait for.
import { writeSync } from 'node:fs';
import { write } from './numbered-writes.mjs';

const [library, path, thread, wanted] = process.argv.slice(2);
const { openStore } = await import(library);
const WRITES_MAX = 3000;

const tell = (what, error) => writeSync(1, `REFUSED ${what} ${error.code}\n`);
const store = await opened();
let refused = 0;
for (let n = 0; refused < Number(wanted) && n < WRITES_MAX; n++) {
  try {
    await write(store, thread, n);
    writeSync(1, `ACK ${n}\n`);
  } catch (error) {
    refused++;
    tell(n, error);
  }
}
writeSync(1, 'END\n');
// Not closed: as a crash would end it.
process.kill(process.pid, 'SIGKILL');

async function opened() {
  for (;;) {
    try {
      return await openStore({ path });
    } catch (error) {
      tell('open', error);
    }
  }
}
