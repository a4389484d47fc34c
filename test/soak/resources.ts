import { readFileSync, readdirSync } from 'node:fs';
import type { World } from './world.ts';

interface Sample {
  readonly minute: number;
  readonly rssMb: number;
  readonly files: number;
}

/** Memory and open files of the processes, over time: by role, those of the longest life. */
export class Resources {
  readonly #world: World;
  readonly #start = performance.now();
  /** By role and process. */
  readonly #samples = new Map<string, Map<number, Sample[]>>();

  constructor(world: World) {
    this.#world = world;
  }

  sample(): void {
    for (const device of this.#world.devices) {
      if (device.writer) this.#take(`${device.name} writer`, device.writer.pid);
      if (device.worker) this.#take(`${device.name} worker`, device.worker.pid);
    }
    this.#take('sqld', this.#world.hub.pid);
  }

  #take(role: string, pid: number): void {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const rssMb = Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
      const files = readdirSync(`/proc/${pid}/fd`).length;
      const minute = (performance.now() - this.#start) / 60_000;
      const lives = this.#samples.get(role) ?? new Map<number, Sample[]>();
      this.#samples.set(role, lives);
      lives.set(pid, [...(lives.get(pid) ?? []), { minute, rssMb, files }]);
    } catch {
      // It has just ended.
    }
  }

  lines(): string[] {
    return [...this.#samples].map(([role, lives]) => {
      const longest = [...lives.values()].sort((a, b) => b.length - a.length)[0] ?? [];
      const all = [...lives.values()].flat();
      const most = (of: (sample: Sample) => number) => Math.max(...all.map(of));
      const steps = [0, 0.25, 0.5, 0.75, 1].map((share) => {
        const one = longest[Math.floor((longest.length - 1) * share)];
        return one ? `${one.minute.toFixed(1)}′ ${one.rssMb} MB/${one.files}` : '';
      });
      const peak = `at most ${most((s) => s.rssMb)} MB, ${most((s) => s.files)} files`;
      return `${role}: ${peak}; of ${lives.size} lives the longest: ${steps.join(', ')}`;
    });
  }
}
