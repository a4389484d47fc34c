import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What the driver is opened with in the other process. */
export interface CopyOptions {
  readonly syncUrl: string;
  readonly authToken?: string;
  readonly encryptionKey?: string;
}

/** An error of the driver has a message. */
interface Answer {
  readonly message?: string;
  readonly code?: string;
}

const ENTRY = new URL('./copy-child.js', import.meta.url);
/** The files that change with what arrives. */
const CHANGING = ['', '-wal', '-client_wal_index'];
const LOOK_MS = 500;

/**
 * The process in which libSQL's embedded replica copies a hub into a file. The driver waits for a hub
 * that has gone silent without end, in native code that no deadline reaches, and a thread that stands
 * there cannot be ended: a process can.
 */
export class CopyProcess {
  readonly #path: string;
  readonly #options: CopyOptions;
  readonly #silenceMs: number;
  #child: ChildProcess | undefined;

  /** @param silenceMs - how long nothing new may come into the file */
  constructor(path: string, options: CopyOptions, silenceMs: number) {
    this.#path = path;
    this.#options = options;
    this.#silenceMs = silenceMs;
  }

  /**
   * Brings the file up to date; one call at a time. After an error the process is gone.
   *
   * @throws `Error` the driver's, with its `code`; or nothing came in time, or the process was ended
   */
  async copy(): Promise<void> {
    const running = this.#child?.connected ? this.#child : undefined;
    const child = (this.#child = running ?? start());
    const controller = new AbortController();
    const giveUp = (why: string) => {
      controller.abort(new Error(why));
    };
    const onExit = () => {
      giveUp('the process that copies has ended');
    };
    child.once('exit', onExit);
    const watch = this.#watchFile(() => {
      giveUp(`nothing new came for ${this.#silenceMs / 1000} s`);
    });
    try {
      const answered = once(child, 'message', { signal: controller.signal });
      child.send(running ? 'copy' : { path: this.#path, options: this.#options });
      const [{ message, code }] = (await answered) as [Answer];
      if (message !== undefined) throw Object.assign(new Error(message), { code });
    } catch (error) {
      const cause: unknown = controller.signal.aborted ? controller.signal.reason : error;
      await this.end();
      throw cause;
    } finally {
      clearInterval(watch);
      child.off('exit', onExit);
    }
  }

  /** Ends the process whatever it does, and resolves when it is gone. */
  async end(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.ref();
    child.kill('SIGKILL');
    await gone;
  }

  #watchFile(onSilence: () => void): NodeJS.Timeout {
    let looks = this.#looks();
    let since = performance.now();
    return setInterval(() => {
      const before = looks;
      looks = this.#looks();
      if (looks !== before) since = performance.now();
      if (performance.now() - since >= this.#silenceMs) onSilence();
    }, LOOK_MS);
  }

  #looks(): string {
    const stats = CHANGING.map((name) => statSync(this.#path + name, { throwIfNoEntry: false }));
    return JSON.stringify(stats.map((stat) => [stat?.size, stat?.mtimeMs]));
  }
}

/** Does not keep this process alive, and ends with it. */
function start(): ChildProcess {
  // Flags of this process are not for it, and the driver prints what it likes.
  const child = fork(fileURLToPath(ENTRY), { execArgv: [], stdio: 'ignore' });
  // Of use to who waits for an answer alone; without a listener it would end this process.
  child.on('error', () => undefined);
  child.unref();
  child.channel?.unref();
  return child;
}
