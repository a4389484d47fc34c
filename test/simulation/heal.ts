import { control } from './control.ts';
import { fail } from './violation.ts';
import { MINUTE, type World } from './world.ts';

/** Within these rounds of all devices nothing is left to do. */
const ROUNDS_MAX = 12;
/** How long a device may let damaged entries lie that it meets after others. */
const REPAIR_PAUSE = 5 * MINUTE;

/** Everything works again. */
export async function heal(world: World): Promise<void> {
  world.log('--- heal');
  world.calm = true;
  await world.giveUp();
  world.hubSkew = 0;
  world.time += MINUTE;
  Object.assign(control.page, { rows: 500 });
  Object.assign(control.batch, { rows: 500 });
  control.stepEntries = 50;
  for (const device of world.devices) {
    device.skew = 0;
    device.schema = 2;
    device.partitioned = false;
    if (!device.enabled) await world.enable(device, false);
  }
  await comeToRest(world);
}

/** What all had read before it was damaged, only who reads all of the hub finds. */
export async function joinAnew(world: World): Promise<void> {
  world.log('--- join');
  const device = await world.addDevice();
  device.schema = 2;
  await world.enable(device, false);
  await comeToRest(world);
}

async function comeToRest(world: World): Promise<void> {
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    const before = fingerprint(world);
    for (const device of world.devices) {
      if (device.refused || !device.enabled) await world.enable(device, false, true);
      world.log(`round ${round} d${device.index}`);
      await world.sync(device, false);
    }
    const waits = world.devices.some(({ memory }) => memory.repairs.lately.waits);
    world.time += waits ? REPAIR_PAUSE : MINUTE;
    const left = waits || world.devices.some((device) => device.refused);
    if (fingerprint(world) === before && !left) {
      world.happened.set('rounds', Math.max(round, world.happened.get('rounds') ?? 0));
      return;
    }
  }
  fail(`C5 not at rest within ${ROUNDS_MAX} rounds`);
}

/** Everything of the state that an exchange changes. */
function fingerprint(world: World): string {
  const devices = world.devices.map(({ probe, id, versions, counts }) => [
    id,
    [...versions],
    counts,
    probe.rows(
      'select cursor, pair_head, acked_number, sent_number, copied, refused from sync_state',
    ),
    probe.rows('select count(*), max(number) from outbox'),
    probe.rows('select count(*) from parked'),
  ]);
  return JSON.stringify([world.hub.state(), devices]);
}
