/** An entry of the hub that nobody of the group seems able to read. */
export interface Suspect {
  readonly table: string;
  readonly id: string;
  readonly register: string;
  /** When it was parked, which no two were at once; absent for a piece of a body. */
  readonly at?: number;
  /** A piece that opens, of a body that is not what its name says: without a key nothing else tells. */
  readonly isWrong?: boolean;
}

export function textOf({ table, id, register }: Suspect): string {
  return JSON.stringify([table, id, register]);
}

/** A hub that damages entries again and again must not keep a group offering all that it has. */
const PAUSE_MS = 5 * 60_000;

/** What this process took off the hub, and that it does so at most once in some minutes. */
export class Repairs {
  #tookAt = -Infinity;
  #count = 0;
  #waits = false;
  #sum = 0;
  readonly #told = new Map<string, number>();

  get isPausing(): boolean {
    return performance.now() - this.#tookAt < PAUSE_MS;
  }

  /** Entries that were taken off lately, and whether some still have to be. */
  get lately(): { readonly count: number; readonly waits: boolean } {
    return { count: this.isPausing ? this.#count : 0, waits: this.#waits };
  }

  /** What else was set right lately, as it is told to the user. */
  get told(): readonly string[] {
    const since = performance.now() - PAUSE_MS;
    return [...this.#told].filter(([, at]) => at > since).map(([text]) => text);
  }

  tell(text: string): void {
    this.#told.set(text, performance.now());
  }

  /** Entries that were taken off since the process began. */
  get sum(): number {
    return this.#sum;
  }

  took(count: number): void {
    if (count === 0) return;
    this.#count = this.isPausing ? this.#count + count : count;
    this.#sum += count;
    this.#tookAt = performance.now();
  }

  wait(waits: boolean): void {
    this.#waits = waits;
  }
}
