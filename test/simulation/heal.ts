import { control } from './control.ts';
import { fail } from './violation.ts';
import { MINUTE, type World } from './world.ts';

/** Everything works again: within these rounds of all devices nothing is left to do. */
const ROUNDS_MAX = 12;

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
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    const before = fingerprint(world);
    for (const device of world.devices) {
      if (device.refused || !device.enabled) await world.enable(device, false, true);
      world.log(`round ${round} d${device.index}`);
      await world.sync(device, false);
    }
    world.time += MINUTE;
    if (fingerprint(world) === before && !world.devices.some((device) => device.refused)) {
      world.happened.set('rounds', round);
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
