import { execFile, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { builtLibrary } from '../support/built-library.ts';
import { tempFolder } from '../support/temp-store.ts';

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The built program, run in child processes on a folder of its own. */
export class Cli {
  readonly #main: string;
  readonly env: NodeJS.ProcessEnv;
  readonly folder: string;

  constructor(main: string, folder: string) {
    this.#main = main;
    this.folder = folder;
    this.env = {
      ...process.env,
      CODEWHALE_HOME: folder,
      HOME: folder,
      TZ: 'Asia/Tokyo',
      NO_COLOR: '',
    };
  }

  /** Where the program keeps its store when it is not told otherwise. */
  get db(): string {
    return join(this.folder, 'store', 'store.db');
  }

  /** The same as one command for a shell. */
  shellCommand(...args: string[]): string {
    return [process.execPath, this.#main, ...args].map((word) => `'${word}'`).join(' ');
  }

  run(...args: string[]): Promise<Finished> {
    return this.runWith({}, ...args);
  }

  runWith(env: NodeJS.ProcessEnv, ...args: string[]): Promise<Finished> {
    return new Promise((finish) => {
      const options = { env: { ...this.env, ...env }, cwd: this.folder };
      const child = execFile(
        process.execPath,
        [this.#main, ...args],
        options,
        (_error, stdout, stderr) => {
          finish({ code: child.exitCode, stdout, stderr });
        },
      );
    });
  }

  /** Runs it with `--json`, expects success, and gives the one value that it printed. */
  async json<T>(...args: string[]): Promise<T> {
    const { code, stdout, stderr } = await this.run('--json', ...args);
    if (code !== 0) throw new Error(`${args.join(' ')} ended with ${String(code)}: ${stderr}`);
    return JSON.parse(stdout) as T;
  }

  /** Starts it and goes on while it runs; killed after the test if need be. */
  start(...args: string[]): ChildProcessWithoutNullStreams {
    const child = spawn(process.execPath, [this.#main, ...args], {
      env: this.env,
      cwd: this.folder,
    });
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
    return child;
  }
}

/** The program, with no store yet. */
export async function setupCli(): Promise<Cli> {
  const library = fileURLToPath(await builtLibrary());
  const dist = join(library, '..');
  return new Cli(join(dist, 'cli', 'main.js'), tempFolder());
}
