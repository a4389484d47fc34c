import { hubId } from '../../src/sync/keys/hash-ids.ts';
import { parseKeyRing } from '../../src/sync/keys/key-ring.ts';
import type { SoakDevice } from './device.ts';
import { bestOf, heldBy, heldByNone, rowKey, type Held, type Inspection } from './inspection.ts';
import type { Ledger } from './ledger.ts';
import type { SoakHub } from './hub.ts';

/** What stood on the hub at one time, of what is looked for. */
type OnHub = ReadonlyMap<string, string>;

/**
 * A restore may destroy a last copy. Gone, and allowed to be lost, is what was somewhere before (on
 * a device or on the hub) and is nowhere after; and where the highest version that there is of a
 * register is lower after than before, what lies above the one that remains.
 *
 * What comes new while this happens lies on the devices that write it: nobody else does this
 * meanwhile, and the devices that are replaced stand still.
 *
 * @param change - returns what the replaced devices hold afterwards; none where the hub is replaced
 */
export async function destroying(
  { ledger, devices, hub }: { ledger: Ledger; devices: readonly SoakDevice[]; hub: SoakHub },
  replaced: SoakDevice | undefined,
  change: () => Promise<Inspection | undefined>,
): Promise<number> {
  const inspections = new Map<SoakDevice, Inspection>();
  for (const device of devices) inspections.set(device, await device.inspect());
  const ringText = [...inspections.values()].find(({ state }) => state?.[3])?.state?.[3];
  const before = [...inspections.values()].map(heldBy);
  const known = knownHub(hub, ringText ?? null);
  // What only the hub has now, and what only the device has that is about to be replaced.
  const others = [...inspections].filter(([device]) => device !== replaced);
  const alone = others.map(([, inspection]) => heldBy(inspection));
  const onHubBefore = await known(ledger, alone);
  const inspection = await change();
  const after = inspection ? [...alone, heldBy(inspection)] : alone;
  const onHub = replaced ? onHubBefore : await known(ledger, after);
  return markGone(ledger, { before, onHubBefore, after, onHub });
}

interface Copies {
  readonly before: readonly Held[];
  readonly onHubBefore: OnHub;
  readonly after: readonly Held[];
  readonly onHub: OnHub;
}

function markGone(ledger: Ledger, { before, onHubBefore, after, onHub }: Copies): number {
  let count = 0;
  const { rows, registers } = heldByNone(ledger, after);
  for (const row of rows) {
    const key = rowKey(row);
    const was = before.some((held) => held.rows.has(key)) || onHubBefore.has(key);
    if (!was || onHub.has(key)) continue;
    row.gone = true;
    count++;
  }
  for (const { register } of registers) {
    const was = higher(bestOf(before, register.key), onHubBefore.get(register.key));
    const is = higher(bestOf(after, register.key), onHub.get(register.key));
    if (was <= is) continue;
    for (const seen of register.seen) {
      if (seen.version <= is) continue;
      seen.gone = true;
      count++;
    }
  }
  return count;
}

const higher = (a: string, b: string | undefined) => (b !== undefined && b > a ? b : a);

/** Asks the hub for what no device holds: few things, by the ids that it knows them by. */
function knownHub(hub: SoakHub, ringText: string | null) {
  const ring = ringText === null ? null : parseKeyRing(ringText);
  return async (ledger: Ledger, stores: readonly Held[]): Promise<OnHub> => {
    const { rows, registers } = heldByNone(ledger, stores);
    const wanted = new Map<string, string[]>();
    const want = (table: string, id: string, key: string) => {
      const name = `${table} ${hubId(ring, table, id)}`;
      wanted.set(name, [...(wanted.get(name) ?? []), key]);
    };
    for (const row of rows) if (row.id !== null) want(row.table, row.id, rowKey(row));
    for (const { register } of registers) {
      const [table, id] = register.key.split('|') as [string, string];
      want(table, id, register.key);
    }
    const found = new Map<string, string>();
    const names = [...wanted.keys()];
    for (let at = 0; at < names.length; at += 500) {
      const entries = await askHub(hub, names.slice(at, at + 500));
      for (const [table, id, register, version] of entries) {
        for (const key of wanted.get(`${table} ${id}`) ?? []) {
          const isRegister = key.split('|').length === 3;
          if (!isRegister || key.endsWith(`|${register}`)) found.set(key, version);
        }
      }
    }
    return found;
  };
}

async function askHub(
  hub: SoakHub,
  names: readonly string[],
): Promise<[table: string, id: string, register: string, version: string][]> {
  const [there] = await hub.ask(`select count(*) from sqlite_master where name = 'hub_entries'`);
  if (Number(there?.[0]) === 0) return [];
  const rows = await hub.ask(
    `select table_name, id, register, version from hub_entries
     where (table_name, id) in (select value ->> 0, value ->> 1 from json_each(?))`,
    JSON.stringify(names.map((name) => name.split(' '))),
  );
  return rows as [string, string, string, string][];
}
