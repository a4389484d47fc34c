import { clockOf, deviceOf } from '../../src/model/version.ts';
import type { Device } from './device.ts';
import type { Ledger, Write } from './ledger.ts';
import type { SeenRow } from './probe.ts';
import { isPurged, rootOf } from './roots.ts';
import { fail } from './violation.ts';

/**
 * Reads back what a step has left on a device, enters what is new into the ledger, and checks what
 * must hold after every step: nothing local is taken back, one version is one content, and events
 * only ever come behind those that were there.
 */
export function observe(device: Device, ledger: Ledger, log: (text: string) => void): void {
  if (!device.probe.changed()) return;
  const former = device.id;
  observeIdentity(device, log);
  observeRegisters(device, [former, device.id], ledger, log);
  observeRows(device, [former, device.id], ledger, log);
}

function observeIdentity(device: Device, log: (text: string) => void): void {
  const id = device.probe.text('select id from device');
  if (id === device.id) return;
  log(`    d${device.index} is now ${id}`);
  if (!device.cause) fail(`C5 d${device.index} took a new device id without a cause`);
  device.id = id;
}

function observeRegisters(
  device: Device,
  ids: readonly string[],
  ledger: Ledger,
  log: (text: string) => void,
): void {
  const seen = device.probe.versions();
  for (const [key, version] of seen) {
    const old = device.versions.get(key);
    if (old === version) continue;
    const content = device.probe.content(key);
    const held = old === undefined ? undefined : ledger.of(key, old);
    const write =
      ledger.of(key, version) ??
      enter(device, ids, ledger, { key, version, old: old ?? '', content, held }, log);
    if (write.content !== content) fail(`C2 two contents at one version of ${key}: ${version}`);
    if (old !== undefined && version < old && held !== write) {
      fail(`C6 d${device.index} fell back at ${key} from ${old} to ${version}`);
    }
  }
  for (const root of purgedAnew(device, seen)) ledger.purged.add(root);
  for (const key of device.versions.keys()) {
    if (!seen.has(key)) fail(`C6 d${device.index} lost the row of ${key}`);
  }
  device.versions = seen;
}

function purgedAnew(device: Device, seen: ReadonlyMap<string, string>): string[] {
  return [...seen]
    .filter(([key, version]) => key.endsWith('|purge') && device.versions.get(key) !== version)
    .map(([key]) => key.slice(0, key.lastIndexOf('|')))
    .filter((root) => isPurged(device, root));
}

interface New {
  readonly key: string;
  readonly version: string;
  readonly old: string;
  readonly content: string;
  readonly held: Write | undefined;
}

function enter(
  device: Device,
  ids: readonly string[],
  ledger: Ledger,
  { key, version, old, content, held }: New,
  log: (text: string) => void,
): Write {
  if (!ids.includes(deviceOf(version)))
    fail(`d${device.index} holds ${key} ${version}, which nobody wrote`);
  // A purge that empties again what a pull has just brought is a write of its own.
  const emptied = version > old && isPurged(device, rootOf(device, key));
  // So is what is carried on right above what somebody decided, though it says again what stood here.
  const decided = carriedOn(device, ledger, { key, version, old });
  if (held && held.content === content && !emptied && !decided) {
    ledger.restamp(held, version);
    log(`    d${device.index} stamps w${held.number} ${key} anew ${version}`);
    return held;
  }
  const write = ledger.add(key, version, content, decided ?? held ?? null);
  log(`    d${device.index} writes w${write.number} ${key} ${version}`);
  return write;
}

/**
 * A pull may bring what somebody decided, and have it carried on at once: right above it, and what
 * stood here lost to it. Right above alone tells nothing: what stood here may be as far.
 */
function carriedOn(
  { probe }: Device,
  ledger: Ledger,
  { key, version, old }: Pick<New, 'key' | 'version' | 'old'>,
): Write | undefined {
  const { ms, counter } = clockOf(version);
  return probe
    .rows(
      `select won_version from conflicts
       where table_name || '|' || row_id || '|' || register = ? and lost_version = ?`,
      [key, old],
    )
    .flatMap(([won]) => ledger.of(key, String(won)) ?? [])
    .find((write) => {
      const below = clockOf(write.stamp);
      return below.ms === ms && below.counter === counter - 1;
    });
}

function observeRows(
  device: Device,
  ids: readonly string[],
  ledger: Ledger,
  log: (text: string) => void,
): void {
  const counts = device.probe.counts();
  if (counts === device.counts) return;
  device.counts = counts;
  const seen = new Map<string, SeenRow>();
  for (const row of device.probe.immutableRows()) {
    if (seen.has(row.key)) fail(`C3 d${device.index} has a row twice: ${row.key}`);
    seen.set(row.key, row);
  }
  checkSeq(device, seen);
  for (const row of seen.values()) {
    if (device.rows.has(row.key) || ledger.rows.has(row.key)) continue;
    if (!ids.includes(row.device))
      fail(`d${device.index} holds a row that nobody wrote: ${row.key}`);
    const before = [...seen.values()].filter(
      (other) =>
        row.thread !== null &&
        other.thread === row.thread &&
        other.device === row.device &&
        other.seq < row.seq,
    );
    ledger.addRow({
      key: row.key,
      root: row.root,
      before: before.map(({ key }) => key),
      gone: false,
    });
    log(`    d${device.index} adds ${row.key}`);
  }
  for (const row of device.rows.values()) {
    if (seen.has(row.key)) continue;
    if (row.root === null || !ledger.purged.has(row.root))
      fail(`C6 d${device.index} lost a row: ${row.key}`);
  }
  device.rows = seen;
}

/** Whoever follows a thread by seq sees every event: a new one is behind all that were there. */
function checkSeq(device: Device, seen: ReadonlyMap<string, SeenRow>): void {
  const last = new Map<string, number>();
  for (const { thread, seq } of device.rows.values()) {
    if (thread !== null) last.set(thread, Math.max(last.get(thread) ?? 0, seq));
  }
  const used = new Set<string>();
  for (const row of seen.values()) {
    if (row.thread === null) continue;
    const place = `${row.thread} ${row.seq}`;
    if (used.has(place)) fail(`C3 d${device.index} has two events at ${place}`);
    used.add(place);
    const known = device.rows.get(row.key);
    if (known ? known.seq !== row.seq : row.seq <= (last.get(row.thread) ?? 0)) {
      fail(`C3 d${device.index} a reader of ${place} misses ${row.key}`);
    }
  }
}
