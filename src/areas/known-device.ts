import type { Reader } from '../db/reader.ts';
import { ConflictError, NotFoundError } from '../errors.ts';

const LISTED = '"codewhale-store sync devices" lists the devices with their names and ids.';

/**
 * Work that is given to a device that nobody has would never be done.
 *
 * @throws `NotFoundError` it is neither this device nor one of those that the last exchange told of
 * @throws `ConflictError` it was revoked
 */
export function requireDevice(reader: Reader, device: string): void {
  if (reader.number('select count(*) from device where id = ?', [device]) > 0) return;
  const [row] = reader.rows(
    `select value ->> 'revokedAt' from sync_status, json_each(devices)
     where value ->> 'id' = ? and value ->> 'platform' <> ''`,
    [device],
  );
  if (row === undefined) throw new NotFoundError('device', device, { hint: LISTED });
  if (row[0] !== null) throw new ConflictError(`the device ${device} was revoked`);
}
