// Watches the memory of a process and the log of a store until it is told to end, and tells their
// highest. Arguments: the process, the store file.
import { readFileSync } from 'node:fs';
import { sizeOf } from './long-life-store.mjs';

const [pid, path] = process.argv.slice(2);
let memory = 0;
let log = 0;
const look = () => {
  const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1];
  memory = Math.max(memory, Number(kib) * 1024);
  log = Math.max(log, sizeOf(`${path}-wal`));
};
const timer = setInterval(look, 50);
process.once('message', () => {
  clearInterval(timer);
  look();
  process.send({ memory, log }, () => process.exit(0));
});
process.once('disconnect', () => process.exit(0));
look();
process.send('ready');
