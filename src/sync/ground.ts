import { epochTokenOf, type HubMeta } from './hub-meta.ts';
import { epochOf } from './places.ts';

/** Whether the hub is still the one that was read. ?1: as {@link groundOf} gives it. */
export const IS_GROUND = `exists (select 1 from hub_meta
    where store_id = ?1 ->> 'storeId' and key_check = ?1 ->> 'keyCheck'
      and ${epochOf('hub_meta')} = ?1 ->> '$.epoch.number' and ${epochTokenOf('hub_meta')} = ?1 ->> '$.epoch.token')
  and not exists (select 1 from hub_devices where id = ?1 ->> 'device' and revoked_at is not null)`;

/** What a repair of the hub was decided on, which its transaction looks at again. */
export function groundOf(
  device: string,
  { storeId, epoch, keyCheck }: Pick<HubMeta, 'storeId' | 'epoch' | 'keyCheck'>,
): string {
  return JSON.stringify({ device, storeId, epoch, keyCheck });
}
