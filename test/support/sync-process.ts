import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { builtLibrary } from './built-library.ts';

const PROGRAM = fileURLToPath(new URL('sync-process.mjs', import.meta.url));

/** A process with a store and its sync worker. */
export interface SyncProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  /** The id of a new session. */
  add(title: string): Promise<string>;
  /** Resolves with the exit code or the signal. */
  readonly ended: Promise<number | string>;
  /** What it printed beside its answers. */
  readonly noise: string[];
}

/** @param mode - `forget`: does nothing more once it has started; `close`: closes; else takes orders */
export async function startSyncProcess(path: string, mode = 'serve'): Promise<SyncProcess> {
  const child = spawn(process.execPath, [PROGRAM, await builtLibrary(), path, mode]);
  const ended = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const noise: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => noise.push(text));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const line: IteratorResult<string, unknown> = await lines.next();
    if (line.done) throw new Error(`the process ended: ${noise.join('')}`);
    return JSON.parse(line.value) as string;
  };
  await answer();
  return {
    child,
    pid: child.pid ?? 0,
    async add(title) {
      child.stdin.write(`${title}\n`);
      return answer();
    },
    ended,
    noise,
  };
}
