import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { absolutePath } from './find-sqld.ts';

/** How long sqld waits for open streams when it is told to end, in seconds. */
const SHUTDOWN_S = 2;
/** After this it is killed, in seconds: nothing acknowledged is lost by it. */
const KILL_S = 10;

export interface SqldCommand {
  readonly program: string;
  readonly args: readonly string[];
  /** Beside the environment of this process; the place for secrets, which `ps` shows in `args`. */
  readonly env: Readonly<Record<string, string>>;
  /** Gets what it says; emptied first. */
  readonly logFile: string;
}

export interface SqldProcess {
  readonly program: string;
  readonly pid: number;
  /** Resolves, and never rejects, when it has ended. */
  readonly ended: Promise<void>;
  readonly running: boolean;
  /** How it ended, for people; empty while it runs. */
  readonly end: string;
  /** Ends it, at first kindly. */
  stop(): Promise<void>;
}

/**
 * Runs sqld until it is stopped, or until this process ends in whatever way.
 *
 * @throws an error of the system when it cannot be run
 */
export async function startSqldProcess(command: SqldCommand): Promise<SqldProcess> {
  const log = openSync(command.logFile, 'w', 0o600);
  // All that it makes is for its owner only; sqld would let everyone read the data.
  const script = 'umask 077; exec "$0" "$@"';
  const args = [...command.args, '--shutdown-timeout', String(SHUTDOWN_S)];
  const child = spawn('/bin/sh', ['-c', script, command.program, ...args], {
    env: { ...neutralEnvironment(), RUST_LOG: 'error', ...command.env },
    stdio: ['ignore', log, log],
    // A group of its own, so that Ctrl-C reaches this process only, which then ends it in order.
    detached: true,
  });
  closeSync(log);
  await once(child, 'spawn');
  const { pid } = child;
  if (pid === undefined) throw new Error('a process that was started has no id');

  const guard = startGuard(pid);
  let end = '';
  const ended = once(child, 'exit').then((exit) => {
    const [code, signal] = exit as [number | null, NodeJS.Signals | null];
    end = signal ?? `exit code ${code ?? 'unknown'}`;
    guard.kill('SIGKILL');
  });
  return {
    program: command.program,
    pid,
    ended,
    get running() {
      return end === '';
    },
    get end() {
      return end;
    },
    async stop() {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), KILL_S * 1000);
      await ended;
      clearTimeout(late);
    },
  };
}

/**
 * A shell that waits for the end of its input, which comes when this process is gone, killed or not,
 * and then ends sqld. Linux could do that by a flag of the process, Node cannot set it and macOS has
 * none.
 */
function startGuard(pid: number): ChildProcess {
  const script = `read -r _
kill -TERM "$1" || exit 0
for _ in $(seq ${KILL_S}); do sleep 1; kill -0 "$1" || exit 0; done
kill -KILL "$1"`;
  const guard = spawn('/bin/sh', ['-c', script, 'codewhale-store-hub-guard', String(pid)], {
    env: { ...process.env, PATH: absolutePath() },
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.on('error', () => {
    // Without a shell there is no guard; all else works.
  });
  guard.unref();
  return guard;
}

/** Ends a process that is not a child of this one. */
export async function endProcess(pid: number): Promise<void> {
  const killAt = Date.now() + KILL_S * 1000;
  sendSignal(pid, 'SIGTERM');
  while (sendSignal(pid, 0)) {
    if (Date.now() > killAt) sendSignal(pid, 'SIGKILL');
    await sleep(50);
  }
}

/** False when there is no such process. */
function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** Without what sqld would take for settings of its own. */
function neutralEnvironment(): NodeJS.ProcessEnv {
  const own = /^(SQLD|LIBSQL)_/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
}
