import type { HubRow, HubStatement } from '../../src/sync/hub/hub.ts';
import { control } from './control.ts';
import type { Device } from './device.ts';

/** Something that a task waits for, or its end. */
export type Wait =
  | { readonly kind: 'request'; readonly request: Request }
  | { readonly kind: 'pause'; readonly go: () => void }
  | { readonly kind: 'done'; readonly error: unknown };

export interface Request {
  readonly statements: readonly HubStatement[];
  readonly mode: 'read' | 'write';
  readonly answer: (rows: HubRow[][]) => void;
  readonly refuse: (error: Error) => void;
}

/** What the tasks of all devices wait for, in the order in which they came to it. */
export class Waits {
  readonly #list: { readonly task: Task; readonly wait: Wait }[] = [];

  add(task: Task, wait: Wait): void {
    this.#list.push({ task, wait });
  }

  /**
   * The next one; undefined once every task stands still. The product goes on by promises alone
   * where neither the hub nor a pause holds it, so that it stands still after a turn of the loop.
   */
  async next(): Promise<{ readonly task: Task; readonly wait: Wait } | undefined> {
    for (let turn = 0; turn < 2 && this.#list.length === 0; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    return this.#list.shift();
  }
}

/** A step of the product that stops wherever it needs the hub or lets others come in between. */
export class Task {
  readonly device: Device;
  readonly name: string;
  readonly boot: number;
  readonly faulty: boolean;
  readonly #waits: Waits;
  events = 0;

  constructor(waits: Waits, device: Device, name: string, faulty: boolean) {
    this.#waits = waits;
    this.device = device;
    this.name = name;
    this.boot = device.boot;
    this.faulty = faulty;
  }

  /** Its process is still there. */
  get alive(): boolean {
    return this.boot === this.device.boot;
  }

  start(job: () => Promise<unknown>): void {
    const done = (error: unknown) => {
      this.#waits.add(this, { kind: 'done', error });
    };
    this.run(() => {
      job().then(() => {
        done(undefined);
      }, done);
    });
  }

  /** Lets it go on by `step`. */
  run(step: () => void): void {
    control.schema = this.device.schema;
    control.pause = () =>
      new Promise((go) => {
        this.#waits.add(this, { kind: 'pause', go });
      });
    step();
  }

  /** The hub as this task sees it. */
  readonly hub = {
    run: (statements: readonly HubStatement[], mode: 'read' | 'write'): Promise<HubRow[][]> =>
      new Promise((answer, refuse) => {
        this.#waits.add(this, { kind: 'request', request: { statements, mode, answer, refuse } });
      }),
    close: () => undefined,
  };
}
