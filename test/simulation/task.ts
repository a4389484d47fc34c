import type { HubRow, HubStatement } from '../../src/sync/hub/hub.ts';
import { control } from './control.ts';
import type { Device } from './device.ts';

/** Something that a task waits for. */
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

let current: Task | undefined;
control.pause = pause;

function pause(): Promise<void> {
  const task = current;
  if (!task) return Promise.resolve();
  return new Promise((go) => {
    task.emit({ kind: 'pause', go });
  });
}

/** A step of the product that stops wherever it needs the hub or lets others come in between. */
export class Task {
  readonly device: Device;
  readonly name: string;
  readonly boot: number;
  readonly faulty: boolean;
  events = 0;
  #waits: Wait[] = [];
  #wake: (() => void) | undefined;

  constructor(device: Device, name: string, faulty: boolean) {
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
    control.pause = pause;
    this.run(() => {
      job().then(
        () => {
          this.emit({ kind: 'done', error: undefined });
        },
        (error: unknown) => {
          this.emit({ kind: 'done', error });
        },
      );
    });
  }

  /** Lets it go on by `step`; its next wait is {@link next}. */
  run(step: () => void): void {
    current = this;
    control.schema = this.device.schema;
    step();
  }

  emit(wait: Wait): void {
    this.#waits.push(wait);
    this.#wake?.();
  }

  async next(): Promise<Wait> {
    if (this.#waits.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#wake = undefined;
    current = undefined;
    this.events++;
    return this.#waits.shift() as Wait;
  }

  /** The hub as this task sees it. */
  readonly hub = {
    run: (statements: readonly HubStatement[], mode: 'read' | 'write'): Promise<HubRow[][]> =>
      new Promise((answer, refuse) => {
        this.emit({ kind: 'request', request: { statements, mode, answer, refuse } });
      }),
    close: () => undefined,
  };
}
