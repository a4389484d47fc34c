#!/usr/bin/env node
import { lstatSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  defaultPath,
  OlderSchemaError,
  openStore,
  StoppedError,
  StorePathError,
  type Store,
} from '../index.ts';
import type { Access, BareContext, Context } from './command.ts';
import { tree } from './command-tree.ts';
import { keyOf } from './encryption-key.ts';
import { EXIT, exitCodeOf, OutputError, reportOf, UsageError } from './failure.ts';
import { Output } from './output.ts';
import { parseCommandLine, type Parsed } from './program.ts';
import { fullPath } from './full-path.ts';

type Run = Extract<Parsed, { kind: 'run' }>;

/** There is no store yet, and the command is not one that makes it. */
class MissingStoreError extends StorePathError {
  override readonly hint =
    'To make it, run "codewhale-store import" for the old stores of this machine, or "codewhale-store sync ' +
    'enable URL" for what your other machines have; or give its file with --db.';
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
/** How long a signal may take before it is said what it waits for, in milliseconds. */
const TELL_MS = 500;

const args = process.argv.slice(2);
const afterOptions = args.indexOf('--');
const words = afterOptions === -1 ? args : args.slice(0, afterOptions);
// Read ahead of the parser, because it is needed where the parser refuses.
const out = new Output({ json: words.includes('--json'), quiet: words.includes('--quiet') });

let store: Store | undefined;
let opening = false;
/** See `BareContext.beforeLeaving`. */
const leavings: (() => Promise<void>)[] = [];
/** See `BareContext.endsByInterrupt`. */
let endOfInterrupt: 'done' | 'signal' | undefined;
/** Set once the program ends, by whatever; what fails after that is not told. */
let ending = false;
/** What the first signal does to what is under way. */
const interruption = new AbortController();
/** The code of a command that came to its end, also where a signal was heard meanwhile. */
let finished: number | undefined;
/** Set once a failure was told. */
let told = false;
/** Why standard output took no more; a reader that left, such as `head`, is no failure. */
let outputError: NodeJS.ErrnoException | undefined;

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  outputError ??= error;
  if (!ending) void end(EXIT.done);
});
process.stderr.on('error', () => {
  // Nobody is there to be told.
});
process.on('SIGINT', () => {
  interrupt(EXIT.interrupted);
});
process.on('SIGTERM', () => {
  interrupt(EXIT.terminated);
});

try {
  const code = await run(parseCommandLine(args, tree));
  await finish(code);
} catch (error) {
  fail(error);
}

async function run(parsed: Parsed): Promise<number> {
  if (parsed.kind === 'run') return runCommand(parsed);
  if (parsed.kind === 'help')
    out.print({ help: parsed.text.trimEnd() }, () => parsed.text.trimEnd());
  else out.print({ version: readVersion() }, () => readVersion());
  return EXIT.done;
}

async function runCommand({ command, input, settings }: Run): Promise<number> {
  if (command.holdsThread) for (const signal of SIGNALS) process.removeAllListeners(signal);
  let code: number = EXIT.done;
  const access = command.accessFor(input);
  const path = fullPath(settings.db ?? defaultPath());
  const bare: BareContext = {
    out,
    tree,
    path,
    storeOptions: { path, ...keyOf(settings, out) },
    markFailed: () => (code = EXIT.failed),
    beforeLeaving: (job) => leavings.push(job),
    endsByInterrupt: (code = 'done') => (endOfInterrupt = code),
    interrupted: interruption.signal,
    open: async (wanted) => {
      opening = true;
      store = await open(bare, wanted);
      opening = false;
      return store;
    },
  };
  if (access === 'none') {
    await command.run(bare, input);
    return code;
  }
  const context: Context = { ...bare, store: await bare.open(access) };
  await command.run(context, input);
  return code;
}

async function open({ path, storeOptions }: BareContext, access: Access): Promise<Store> {
  const exists = isThere(path);
  if (access === 'preview' && !exists) {
    const folder = makeTemporaryFolder();
    process.on('exit', () => {
      rmSync(folder, { recursive: true, force: true });
    });
    return openStore({ ...storeOptions, path: join(folder, 'store.db') });
  }
  if (!exists && access !== 'create') throw new MissingStoreError(`there is no store at ${path}`);
  try {
    return await openStore({ ...storeOptions, readOnly: access === 'read' });
  } catch (error) {
    // Made by an older version of the program: opened for writing it is brought up to date.
    if (error instanceof OlderSchemaError) return openStore(storeOptions);
    throw error;
  }
}

/** Where there is no store, nothing may be made beside its place, for a dry run as little as ever. */
function makeTemporaryFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), 'codewhale-store-'));
  } catch (cause) {
    throw new StorePathError(`no folder for the dry run can be made in ${tmpdir()}`, { cause });
  }
}

/** False only where certainly nothing is: what cannot be looked at is for the store to refuse. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true;
  }
}

/** From the package, which lies around `src` in the repository and around `dist` when installed. */
function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function fail(error: unknown): void {
  if (error instanceof StoppedError) tell(error);
  if (ending) return;
  tell(error, error instanceof UsageError ? error.help : undefined);
  void end(exitCodeOf(error, opening));
}

/** The first failure only: whoever reads JSON is promised one value. */
function tell(error: unknown, help?: string): void {
  if (!told) out.error(reportOf(error), help);
  told = true;
}

/** Leaves after the command is done, unless a signal or a closed pipe is about to. */
async function finish(code: number): Promise<void> {
  finished = code;
  if (!ending) await end(code);
}

/** The first signal waits for the write under way, a second one does not. */
function interrupt(signal: number): void {
  const code = endOfInterrupt === 'done' ? EXIT.done : signal;
  if (interruption.signal.aborted) process.exit(code);
  interruption.abort();
  // Who is leaving already has done, or told, what there was.
  if (ending) return;
  if (endOfInterrupt === undefined) setTimeout(tellWhatItWaitsFor, TELL_MS).unref();
  void end(code);
}

function tellWhatItWaitsFor(): void {
  out.note('stopping after the work under way; once more stops it at once');
}

/** Closes what is open and leaves when all output has been taken. */
async function end(code: number): Promise<void> {
  ending = true;
  try {
    for (const leave of leavings) await leave();
    await store?.close();
  } catch (error) {
    tell(error);
    code ||= EXIT.failed;
  }
  if (interruption.signal.aborted && endOfInterrupt === undefined) {
    // Of a call that was waited for the command hears first.
    await nextTurn();
    if (finished === undefined) tell(new StoppedError('interrupted before the end'));
    else code = finished;
  }
  await flush(process.stdout);
  if (outputError && outputError.code !== 'EPIPE') {
    tell(new OutputError(outputError));
    code ||= EXIT.failed;
  }
  await flush(process.stderr);
  process.exit(code);
}

async function flush(stream: NodeJS.WriteStream): Promise<void> {
  if (!stream.destroyed) await new Promise((taken) => stream.write('', taken));
}
