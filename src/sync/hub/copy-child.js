import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

// The process that copies a hub; see CopyProcess. JavaScript, so that it runs from the sources too.

/** @typedef {{ path: string, options: import('./copy-process.ts').CopyOptions }} Copy */

if (isMainThread) attend();
else await copy(/** @type {Copy} */ (workerData));

/** The driver keeps its thread for as long as it copies: this one is there to end the process. */
function attend() {
  const tell = /** @param {object} answer */ (answer) => process.send?.(answer);
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  process.once('message', (/** @type {Copy} */ first) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: first });
    worker.on('message', tell);
    process.on('message', () => {
      worker.postMessage('copy');
    });
  });
}

/** @param {Copy} first */
async function copy({ path, options }) {
  const { default: Driver } = await import('libsql');
  /** @type {import('libsql').Database | undefined} */
  let driver;
  const bringUpToDate = () => {
    try {
      driver ??= new Driver(path, options);
      driver.sync();
      parentPort?.postMessage({});
    } catch (error) {
      const { message, code } = /** @type {Error & { code?: string }} */ (error);
      parentPort?.postMessage({ message, code });
    }
  };
  parentPort?.on('message', bringUpToDate);
  bringUpToDate();
}
