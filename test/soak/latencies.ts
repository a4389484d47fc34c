/** How long local writes took, in milliseconds; C9 is told, not asserted. */
export class Latencies {
  #quiet: number[] = [];
  #faults: number[] = [];
  during: 'quiet' | 'faults' = 'quiet';

  add(ms: number): void {
    (this.during === 'quiet' ? this.#quiet : this.#faults).push(ms);
  }

  toString(): string {
    return `local writes: quiet ${summary(this.#quiet)}; during faults ${summary(this.#faults)}`;
  }
}

function summary(list: readonly number[]): string {
  const sorted = [...list].sort((a, b) => a - b);
  const at = (share: number) => (sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(1);
  return `p50 ${at(0.5)} p99 ${at(0.99)} max ${at(1)} ms of ${list.length}`;
}
