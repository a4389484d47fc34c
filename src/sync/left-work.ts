import { decodeTime } from 'ulid';
import type { Reader } from '../db/reader.ts';
import type { ListedDevice, SyncFailure } from './status.ts';

/** What waits for its owner, or runs there: what a person would miss if that one is gone. */
const OPEN = `(select count(*) from tasks where owner = ?1 and status = 'queued' and deleted_at is null)
  + (select count(*) from tasks where owner = ?1 and status = 'running')
  + (select count(*) from automations where owner = ?1 and status = 'active' and deleted_at is null)`;

/**
 * Work of a device that this store was before it was copied or restored: it does not run here, because
 * that device may be there still. Null where there is none, or the device was heard of since.
 *
 * @param clockOffsetMs - the hub's clock minus ours
 */
export function findLeftWork(
  reader: Reader,
  device: string,
  listed: readonly ListedDevice[],
  clockOffsetMs: number,
): SyncFailure | null {
  const formers = reader
    .rows('select value from device, json_each(former_ids) order by key')
    .map(([id]) => String(id));
  for (const [i, former] of formers.entries()) {
    const count = reader.number(`select ${OPEN}`, [former]);
    if (count === 0) continue;
    // The id that it took then tells when it ceased to be that device.
    const leftAt = decodeTime(formers[i + 1] ?? device);
    const seenAt = listed.find(({ id }) => id === former)?.seenAt ?? '';
    if (Date.parse(seenAt) > leftAt + clockOffsetMs) continue;
    return {
      code: 'DEVICE_COPIED',
      message:
        `tasks and automations (${count}) belong to the device ${former}, which this store was before ` +
        'it was copied or restored; they do not run here',
      hint:
        'Where that device is gone, "codewhale-store task hand-over ID DEVICE --lost" brings a task here, and ' +
        '`store.automations.update(id, { owner })` an automation. Where it is not, leave them there: this is ' +
        'told until it exchanges again.',
      retryable: false,
      at: new Date(leftAt).toISOString(),
    };
  }
  return null;
}
