import { DeviceRevokedError } from '../errors.ts';
import { tokenSource } from './connect.ts';
import { SLACK_MS, type HubMeta } from './hub-meta.ts';
import { issuedAtS } from './token-age.ts';

/**
 * Who was revoked does not come back with the token that it had. Only tokens that say when they were
 * made tell; those of `hub token` do.
 *
 * @throws `DeviceRevokedError`
 */
export async function refuseOldToken(
  meta: HubMeta,
  tokenFile: string | null,
  ownNowMs: number,
): Promise<void> {
  const token = meta.revoked ? await tokenSource(tokenFile)() : undefined;
  if (token === undefined) return;
  const madeAtS = issuedAtS(token);
  // It tells whole seconds.
  if (madeAtS === undefined || (madeAtS + 1) * 1000 > revokedAtOf(meta, ownNowMs)) return;
  throw new DeviceRevokedError(
    'this device was revoked at the hub, and the token is older than that',
  );
}

/**
 * When the device was revoked, as far as that can be. A time that has not come was forged, or is of a clock
 * that was wrong, and no token would ever be newer: then when it was seen last, with the token that it had.
 */
function revokedAtOf({ revokedAtMs, seenAtMs, nowMs }: HubMeta, ownNowMs: number): number {
  const latestMs = Math.min(nowMs, ownNowMs) + SLACK_MS;
  return [revokedAtMs, seenAtMs].find((ms) => ms !== null && ms <= latestMs) ?? 0;
}
