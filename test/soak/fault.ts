import type { Random } from '../simulation/random.ts';
import type { SoakDevice } from './device.ts';
import type { World } from './world.ts';

/** What a fault gets to do its work with. */
export interface FaultHands {
  readonly world: World;
  readonly random: Random;
  /** To be called when the fault has happened, not when it was tried. */
  readonly count: () => void;
}

/** Something that goes wrong; resolves when it is over. */
export interface Fault {
  readonly kind: string;
  /** Where the proxy counts what happened. */
  readonly counted?: boolean;
  readonly run: (hands: FaultHands) => Promise<void>;
}

/** A fault of one device, while nothing else is done to its processes and files. */
export function deviceFault(
  kind: string,
  run: (device: SoakDevice, hands: FaultHands) => Promise<void>,
): Fault {
  return {
    kind,
    run: async (hands) => {
      const device = hands.random.pick(hands.world.devices);
      await device.jobs.add(() => run(device, hands));
    },
  };
}
