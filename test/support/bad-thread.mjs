import { appendFileSync, existsSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

// A worker thread that ends in one of the ways in which a thread can end, and lives on its next start.

const { path } = workerData;
const [how, marks] = path.split('|');
const before = existsSync(marks);
appendFileSync(marks, 'started\n');
parentPort.on('message', () => {
  if (how !== 'deaf') process.exit(0);
});
if (how === 'unready') throw new Error('secret content');
parentPort.postMessage({ kind: 'ready' });
if (how === 'deaf') {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30_000);
  process.exit(0);
}
if (!before) {
  if (how === 'throw') setImmediate(() => { throw new Error('secret content'); }); // prettier-ignore
  if (how === 'reject') void Promise.reject(new Error('secret content'));
  if (how === 'exit') setImmediate(() => process.exit(3));
  if (how === 'memory') setImmediate(() => { for (const hoard = [[]]; ; ) hoard.push(Array(4e5).fill(hoard.length / 3)); }); // prettier-ignore
} else {
  parentPort.postMessage({ kind: 'applied', count: 7 });
}
