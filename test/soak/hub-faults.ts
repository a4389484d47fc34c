import { setTimeout as sleep } from 'node:timers/promises';
import { destroying } from './destroying.ts';
import type { Fault, FaultHands } from './fault.ts';

const killed: Fault = {
  kind: 'hub killed',
  run: ({ world, random, count }) =>
    world.hub.alone(async () => {
      count();
      await world.hub.kill(random.below(3000));
    }),
};

const frozen: Fault = {
  kind: 'hub stopped',
  run: ({ world, random, count }) =>
    world.hub.alone(async () => {
      world.hub.freeze();
      count();
      await sleep(500 + random.below(8000));
      world.hub.goOn();
    }),
};

const copied: Fault = {
  kind: 'hub copied',
  run: ({ world, count }) =>
    world.hub.alone(async () => {
      await world.hub.copy();
      count();
    }),
};

async function replace({ world, count }: FaultHands, by: 'copy' | 'nothing'): Promise<void> {
  await world.alone.add(() =>
    world.hub.alone(async () => {
      const gone = await destroying(world, undefined, async () => {
        await world.hub.replace(by);
        return undefined;
      });
      count();
      world.count('last copies destroyed', gone);
    }),
  );
}

const restored: Fault = {
  kind: 'hub restored',
  run: async (hands) => {
    if (!hands.world.hub.hasCopy) await copied.run({ ...hands, count: () => undefined });
    await sleep(3000);
    await replace(hands, 'copy');
  },
};

const wiped: Fault = { kind: 'hub wiped', run: (hands) => replace(hands, 'nothing') };

export const HUB_FAULTS: readonly Fault[] = [killed, frozen, copied, restored, wiped];
