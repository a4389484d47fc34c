import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Makes the driver let go of the files of closed connections: it does so only when they are
 * collected (libsql-js#228), and until then this process holds locks on a file that nobody uses.
 * For the rare moment in which that matters, such as replacing the file.
 */
export async function releaseClosed(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // Finalizers run between turns of the event loop.
  for (let i = 0; i < 3; i++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
}
