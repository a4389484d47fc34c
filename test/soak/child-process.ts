import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export type Script = 'writer' | 'worker' | 'once';

/** An error as a child tells it. */
export interface Failure {
  readonly typed: boolean;
  readonly code: string;
  readonly retryable: boolean;
  readonly message: string;
  readonly stack?: string;
}

/** A call in a child that was refused. */
export class Refused extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(`${failure.code}: ${failure.message}${failure.stack ? `\n${failure.stack}` : ''}`);
    this.failure = failure;
  }
}

/** The process ended, or was ended, before it answered. */
export class Gone extends Error {}

export interface ChildOptions {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly env: NodeJS.ProcessEnv;
  /** Where what it prints on standard error goes. */
  readonly log: string;
  readonly onLine?: (line: Readonly<Record<string, unknown>>) => void;
  /** Called with every chunk of its output. */
  readonly onOutput: (text: string) => void;
  /** It ended although nobody wanted that. */
  readonly onCrash: (text: string) => void;
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: Failure;
}

/** A process of a device, with a line for each thing that it tells. */
export class Child {
  readonly name: string;
  readonly ready: Promise<void>;
  readonly ended: Promise<void>;
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer | undefined) => void>();
  readonly #tellCrash: (text: string) => void;
  #asked = 0;
  #wanted = false;
  stopped = false;

  constructor(scripts: string, script: Script, options: ChildOptions) {
    this.name = options.name;
    this.#tellCrash = options.onCrash;
    const file = join(scripts, `${script}.mjs`);
    const args = [file, JSON.stringify({ ...options.config, name: options.name })];
    this.#process = spawn(process.execPath, args, { env: options.env });
    const errors: string[] = [];
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      options.onOutput(text);
      errors.push(text);
      appendFileSync(options.log, text);
    });
    this.#process.stdin?.on('error', () => undefined);
    const { stdout } = this.#process;
    if (!stdout) throw new Error('a child without output');
    stdout.setEncoding('utf8').on('data', options.onOutput);
    let tellReady: () => void = () => undefined;
    this.ready = new Promise((resolve) => {
      tellReady = resolve;
    });
    createInterface({ input: stdout }).on('line', (line) => {
      const told = this.#parse(line);
      if (told?.['t'] === 'ready' || told?.['t'] === 'holding') tellReady();
      else if (told?.['t'] === 'answer') this.#answer(told as unknown as Answer);
      else if (told) options.onLine?.(told);
    });
    const kill = () => this.#process.kill('SIGKILL');
    process.once('exit', kill);
    this.ended = once(this.#process, 'close').then(([code, signal]) => {
      process.off('exit', kill);
      for (const answer of this.#waiting.values()) answer(undefined);
      tellReady();
      if (this.#wanted || code === 0) return;
      options.onCrash(`${this.name} ended by itself (${code ?? signal}): ${errors.join('')}`);
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get alive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** @throws `Refused` what the call rejected with; `Gone` */
  async ask<T>(order: string, ...args: unknown[]): Promise<T> {
    if (!this.alive) throw new Gone(this.name);
    const id = ++this.#asked;
    const answered = new Promise<Answer | undefined>((resolve) => {
      this.#waiting.set(id, resolve);
    });
    this.#process.stdin?.write(`${JSON.stringify({ id, order, args })}\n`);
    const answer = await answered;
    this.#waiting.delete(id);
    if (!answer) throw new Gone(this.name);
    if (answer.error) throw new Refused(answer.error);
    return answer.value as T;
  }

  async kill(): Promise<void> {
    this.#wanted = true;
    this.#process.kill('SIGKILL');
    await this.ended;
  }

  /** Stands still until {@link goOn}. */
  freeze(): void {
    this.stopped = true;
    this.#process.kill('SIGSTOP');
  }

  goOn(): void {
    this.stopped = false;
    this.#process.kill('SIGCONT');
  }

  #answer(answer: Answer): void {
    this.#waiting.get(answer.id)?.(answer);
  }

  /** The last line of one that was killed may be half of one. */
  #parse(line: string): Readonly<Record<string, unknown>> | undefined {
    try {
      return JSON.parse(line) as Record<string, unknown>;
    } catch {
      if (!this.#wanted) this.#tellCrash(`${this.name} printed ${line.slice(0, 200)}`);
      return undefined;
    }
  }
}
