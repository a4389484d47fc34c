import { randomBytes } from 'node:crypto';
import { sameMark, type Ask, type Mark } from './ask.ts';
import { groundOf, IS_GROUND } from './ground.ts';
import { HUB_NOW, type HubMeta } from './hub-meta.ts';
import type { Hub } from './hub/hub.ts';
import { markHash } from './keys/hash-ids.ts';
import type { KeyRing } from './keys/key-ring.ts';
import { isLikely } from './places.ts';
import type { DeviceInfo } from './push-statements.ts';

const NONCE = /^[0-9a-f]{32}/;

/** Names a push. Whoever has a token and no key makes none that would pass for one of a copy of this store. */
export function newMark(ring: KeyRing | null, device: string, number: number): Mark {
  const nonce = randomBytes(16).toString('hex');
  return { number, token: nonce + markHash(ring, device, number, nonce) };
}

/** Whether a mark is one that this device or a copy of its store made. */
export function isOwnMark(ring: KeyRing | null, ask: Ask, mark: Mark): boolean {
  if (sameMark(mark, ask.acked) || sameMark(mark, ask.sent)) return true;
  const { number, token } = mark;
  const nonce = NONCE.exec(token)?.[0];
  if (nonce === undefined || !isLikely(number)) return false;
  return token === nonce + markHash(ring, ask.device, number, nonce);
}

/**
 * Whether the last push that the hub knows of this device is one of a copy of its store: that is later
 * than what was acknowledged here. Anything else somebody wrote there: former marks can be played back,
 * and what stands there deleted.
 */
export function isOfCopy(ring: KeyRing | null, ask: Ask, mark: Mark | null): boolean {
  if (mark === null || !isOwnMark(ring, ask, mark)) return false;
  const { number, token } = ask.acked ?? { number: 0, token: '' };
  return mark.number > number || (mark.number === number && mark.token > token);
}

const WRITE = `insert into hub_devices (id, name, platform, push_number, push_token, seen_at)
  select ?1 ->> 'device', ?2, ?3, ?4, ?5, ${HUB_NOW}
  where ${IS_GROUND} and (select head from hub_meta) = ?6
  on conflict (id) do update set push_number = excluded.push_number, push_token = excluded.push_token`;

/** Writes the last push of this device on the hub as it is known here, unless anybody pushed meanwhile. */
export async function writeMark(
  hub: Hub,
  { device, acked }: Ask,
  info: DeviceInfo,
  meta: HubMeta,
): Promise<void> {
  const mark = [acked?.number ?? null, acked?.token ?? null];
  const params = [groundOf(device, meta), info.name, info.platform, ...mark, meta.head.number];
  await hub.run([{ sql: WRITE, params }], 'write');
}
