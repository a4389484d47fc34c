import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { debianTool } from '../../support/debian-tool.ts';
import { tempFolder } from '../../support/temp-store.ts';
import { readTrace, TRACED, type TracedEvent } from './trace.ts';

/** Strings of this length are recorded whole, in bytes: no write of SQLite or sqld is longer. */
const STRING_MAX = 2_000_000;

/** How to run a program under strace, and where that writes to. */
export interface Tracing {
  readonly command: readonly string[];
  readonly log: string;
}

/** @param inject - faults for system calls, as `strace -e inject=` takes them */
export async function tracing(...inject: readonly string[]): Promise<Tracing> {
  const log = join(tempFolder(), 'trace');
  const strace = await debianTool('strace');
  const options = ['-f', '-y', '-xx', '-s', String(STRING_MAX), '--seccomp-bpf', '-o', log];
  const faults = inject.map((fault) => `--inject=${fault}`);
  return { command: [strace, ...options, `--trace=${TRACED.join(',')}`, ...faults], log };
}

/** Runs a program to its end, also one that kills itself, and returns what it did below `root`. */
export async function record(
  root: string,
  program: readonly string[],
  inject: readonly string[] = [],
): Promise<TracedEvent[]> {
  const { command, log } = await tracing(...inject);
  const [strace = '', ...args] = [...command, process.execPath, ...program];
  const child = spawn(strace, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => said.push(text));
  }
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (code !== 0 && signal !== 'SIGKILL') {
    throw new Error(`the recorded program ended with ${code ?? signal}:\n${said.join('')}`);
  }
  return readTrace(readFileSync(log, 'latin1'), root);
}
