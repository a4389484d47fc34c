import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../simulation/random.ts';
import type { Fault } from './fault.ts';
import { HUB_FAULTS } from './hub-faults.ts';
import { NETWORK_FAULTS } from './network-faults.ts';
import { PROCESS_FAULTS } from './process-faults.ts';
import { STORE_FAULTS } from './store-faults.ts';
import type { World } from './world.ts';

export const FAULTS: readonly Fault[] = [
  ...PROCESS_FAULTS,
  ...NETWORK_FAULTS,
  ...HUB_FAULTS,
  ...STORE_FAULTS,
];

/** So many go on at one time. */
const TOGETHER = 6;
const GAP_MS = 1500;

/** Faults drawn from a deck that holds each kind once, and is shuffled anew when it is empty. */
export class Schedule {
  readonly #world: World;
  readonly #running = new Set<Promise<void>>();
  #deck: Fault[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  /** Resolves when the last of them is over. */
  async run(ms: number): Promise<void> {
    const { random } = this.#world;
    const end = performance.now() + ms;
    while (performance.now() < end && this.#world.violations.length === 0) {
      this.#start(this.#draw(random), new Random(random.below(2 ** 31)));
      await sleep(random.below(2 * GAP_MS));
      while (this.#running.size >= TOGETHER) await Promise.race(this.#running);
    }
    await Promise.all(this.#running);
  }

  #draw(random: Random): Fault {
    if (this.#deck.length === 0) {
      const left = [...FAULTS];
      while (left.length > 0) this.#deck.push(...left.splice(random.below(left.length), 1));
    }
    return this.#deck.pop() as Fault;
  }

  #start(fault: Fault, random: Random): void {
    const world = this.#world;
    const count = () => {
      world.count(fault.kind);
    };
    world.log(`begins: ${fault.kind}`);
    const running = fault
      .run({ world, random, count })
      .catch((error: unknown) => {
        world.violation(new Error(`${fault.kind}: ${String((error as Error).stack ?? error)}`));
      })
      .finally(() => {
        world.log(`is over: ${fault.kind}`);
        this.#running.delete(running);
      });
    this.#running.add(running);
  }
}

/** How often each kind happened, by name. */
export function counts(world: World): ReadonlyMap<string, number> {
  const all = new Map(FAULTS.map(({ kind }) => [kind, world.happened.get(kind) ?? 0]));
  for (const fault of FAULTS.filter(({ counted }) => counted)) {
    const kind = fault.kind as keyof (typeof world.devices)[0]['proxy']['happened'];
    all.set(
      fault.kind,
      world.devices.reduce((sum, { proxy }) => sum + proxy.happened[kind], 0),
    );
  }
  return all;
}
