import type { Device } from './device.ts';
import { openEntries, ringsOf } from './hub-entries.ts';
import type { HubFile } from './hub-files.ts';
import type { Ledger, Write } from './ledger.ts';

interface Copies {
  /** The highest version of every register that is somewhere. */
  readonly best: ReadonlyMap<string, string>;
  readonly writes: ReadonlySet<Write>;
  readonly rows: ReadonlySet<string>;
}

/**
 * A restore, or damage, may destroy a last copy. Gone, and allowed to be lost, is a write of which a copy was
 * somewhere (rows, parked entries, hub) before and is nowhere after; and where it lowers the
 * highest version that there is of a register, also the writes above the highest that remains.
 */
export async function destroying(
  ledger: Ledger,
  devices: readonly Device[],
  hub: () => HubFile,
  change: () => void | Promise<void>,
): Promise<void> {
  const before = copies(ledger, devices, hub());
  await change();
  const after = copies(ledger, devices, hub());
  for (const write of ledger.writes) {
    const was = before.best.get(write.key);
    const is = after.best.get(write.key);
    const lower = was !== undefined && (is === undefined || was > is);
    if (lower && (is === undefined || write.stamp > is)) write.gone = true;
    if (!before.writes.has(write) || after.writes.has(write)) continue;
    for (let w: Write | null = write; w && !after.writes.has(w); w = w.parent) w.gone = true;
  }
  for (const row of ledger.rows.values()) if (!after.rows.has(row.key)) row.gone = true;
}

function copies(ledger: Ledger, devices: readonly Device[], hub: HubFile): Copies {
  const best = new Map<string, string>();
  const writes = new Set<Write>();
  const rows = new Set<string>();
  const see = (key: string, version: string) => {
    if (version > (best.get(key) ?? '')) best.set(key, version);
    const write = ledger.of(key, version);
    if (write) writes.add(write);
  };
  const rings = ringsOf(devices);
  for (const device of devices) {
    for (const [key, version] of device.versions) see(key, version);
    for (const key of device.rows.keys()) rows.add(key);
  }
  const entries = [
    ...devices.flatMap((device) => openEntries(device.probe, 'parked', rings)),
    ...(hub.look((probe) => openEntries(probe, 'hub_entries', rings)) ?? []),
  ];
  for (const { kind, key, version } of entries) {
    if (kind === 'register') see(key, version);
    if (kind === 'row') rows.add(key);
  }
  return { best, writes, rows };
}
