import type { Transaction } from '../db/transaction.ts';
import { contentHashOf } from '../db/content.ts';
import { SealError } from '../errors.ts';
import { REMOVED } from './apply/park.ts';
import { parsePayload } from './apply/shape.ts';
import { hubId, hubRegister } from './keys/hash-ids.ts';
import type { KeyRing } from './keys/key-ring.ts';
import { PURGED_VERSION } from './outgoing.ts';
import type { Entry } from './pull-statements.ts';
import { sealPayload, unpackText, unsealBytes } from './seal.ts';

/**
 * What waits here for a newer version of this program goes along to another group: sealed with its keys,
 * under its ids. Whatever does not open stays as it is, to be looked at, and stands for nothing there.
 *
 * @param former - the keys of the group that is left; undefined where they are damaged
 */
export function rekeyParked(
  transaction: Transaction,
  former: KeyRing | null | undefined,
  ring: KeyRing | null,
): void {
  if (former === ring || (former && ring && former.idKey.equals(ring.idKey))) return;
  const places = transaction.rows(
    `select table_name, hub_id, register from parked where reason <> '${REMOVED}'`,
  );
  for (const place of places) {
    const [row = []] = transaction.rows(
      `select version, key_number, schema, payload from parked where ${PLACE}`,
      place,
    );
    const [table, id, register] = place as [string, string, string];
    const [version, keyNumber, schema, payload] = row;
    const entry = {
      seq: 0,
      table,
      id,
      register,
      version: version as string,
      keyNumber: Number(keyNumber),
      schema: Number(schema),
      payload: payload as Uint8Array,
    };
    const anew = former === undefined ? undefined : rekeyed(former, ring, entry);
    if (anew) {
      transaction.run(
        `update parked set hub_id = ?4, register = ?5, key_number = ?6, payload = ?7 where ${PLACE}`,
        [...place, anew.id, anew.register, anew.keyNumber, anew.payload],
      );
    } else {
      transaction.run(`update parked set reason = '${REMOVED}', offer = 0 where ${PLACE}`, place);
    }
  }
}

const PLACE = 'table_name = ?1 and hub_id = ?2 and register = ?3';

type Rekeyed = Pick<Entry, 'id' | 'register' | 'keyNumber' | 'payload'>;

/** @returns undefined where it does not open, or its id and register do not follow from what it says */
function rekeyed(former: KeyRing | null, ring: KeyRing | null, entry: Entry): Rekeyed | undefined {
  const { table, version } = entry;
  try {
    const text = unpackText(unsealBytes(former, entry, entry.keyNumber, entry.payload));
    const payload = parsePayload(text);
    if (hubId(former, table, payload.i) !== entry.id) return undefined;
    let { register } = entry;
    if (version === '' || version === PURGED_VERSION) {
      // A mark does not say what it stands for.
      const hash = payload.x === 1 ? register : contentHashOf(table, payload);
      const held = payload.x === 1 && former ? undefined : hubRegister(former, table, hash);
      if (held !== register) return undefined;
      register = hubRegister(ring, table, hash);
    }
    const key = { table, id: hubId(ring, table, payload.i), register, version };
    const { keyNumber, bytes } = sealPayload(ring, key, text);
    return { id: key.id, register, keyNumber, payload: bytes };
  } catch (error) {
    if (error instanceof SealError) return undefined;
    throw error;
  }
}
