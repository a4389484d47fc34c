import type { Ask } from './ask.ts';
import { HEAD_TOKEN } from './found-hub.ts';
import { groundOf, IS_GROUND } from './ground.ts';
import type { HubMeta } from './hub-meta.ts';
import type { Hub } from './hub/hub.ts';
import { bringNear, epochOf, forgetFar, isSound, RIGHT_HEAD } from './places.ts';

/** Last of those that change something, because it makes another hub of it. ?2: the epoch that is known. */
const RAISE = `update hub_meta set head = ${RIGHT_HEAD},
    epoch = max(${epochOf('hub_meta')}, ?2) + 1, epoch_token = lower(hex(randomblob(16)))
  where ${IS_GROUND} and not ${isSound('hub_meta')} returning epoch`;

/**
 * Raises the head of a hub above all that lies there. Entries with numbers past all counting get new
 * places after the others. In a new epoch: while the head was too low, who read beyond it may have
 * missed what was pushed below, and so everybody reads all of it again, and offers what it has.
 *
 * @param meta - the hub as it was seen
 * @returns whether it was this device that did it
 */
export async function raiseHead(hub: Hub, ask: Ask, meta: HubMeta): Promise<boolean> {
  const ground = groundOf(ask.device, meta);
  const [, , raised] = await hub.run(
    [
      { sql: bringNear(IS_GROUND), params: [ground] },
      { sql: forgetFar(IS_GROUND), params: [ground] },
      { sql: RAISE, params: [ground, ask.epoch.number] },
      { sql: HEAD_TOKEN, params: [] },
    ],
    'write',
  );
  return raised?.length === 1;
}
