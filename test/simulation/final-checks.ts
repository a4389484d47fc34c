import { sweepBlobs } from '../../src/upkeep/repair.ts';
import { clockOf } from '../../src/model/version.ts';
import { IMMUTABLE_TABLES, MUTABLE_TABLES } from '../../src/model/registers.ts';
import type { Device } from './device.ts';
import { bodyDigest } from './canonical.ts';
import { openEntries, ringsOf, type OpenedEntry } from './hub-entries.ts';
import { descends, type Write } from './ledger.ts';
import { isPurged, rootOf } from './roots.ts';
import type { Columns } from './probe.ts';
import { checkReadable } from './readable.ts';
import { fail } from './violation.ts';
import { MINUTE, type World } from './world.ts';

/** What must hold once everything has come to rest. */
export async function checkAll(world: World): Promise<void> {
  const entries = world.hub.look((probe) =>
    openEntries(probe, 'hub_entries', ringsOf(world.devices)),
  );
  if (!entries) fail('C7 there is no hub');
  for (const device of world.devices) checkRest(device);
  checkEqual(world.devices);
  for (const device of world.devices) checkOrder(world, device);
  checkHub(world, entries);
  checkReadable(world, entries);
  checkRows(world);
  checkWrites(world);
  await checkPurged(world, entries);
  checkFiles(world);
}

function checkRest(device: Device): void {
  const none = (what: string, sql: string) => {
    const rows = device.probe.rows(sql);
    if (rows.length > 0) fail(`${what} d${device.index}: ${JSON.stringify(rows.slice(0, 3))}`);
  };
  // What was taken off the hub is kept to be looked at.
  none(
    'C2 parked',
    `select table_name, hub_id, register, version, reason from parked where reason <> 'removed'`,
  );
  none('C2 in the outbox', 'select table_name, row_id, register, stuck from outbox');
  none('C2 refused', 'select * from sync_state where refused = 1 or enabled = 0 or copied = 1');
  none('C2 to be offered', 'select table_name from sync_scans where after_id is not null');
  none('C2 stale', 'select * from stale_roots');
  for (const { name } of IMMUTABLE_TABLES) {
    none(
      'C2 unsent rows',
      `select id from ${name} where pulled <> (select round from sync_state) and number >
       coalesce((select after_number from sync_scans where table_name = '${name}'), 0)`,
    );
  }
}

const LOCAL = new Set(['number', 'seq', 'pulled', 'updated_at', 'message_count', 'body']);

/** Everything that is synced, by table and id. */
function contents(device: Device): Map<string, string> {
  const found = new Map<string, string>();
  for (const { name } of [...MUTABLE_TABLES, ...IMMUTABLE_TABLES]) {
    for (const row of device.probe.records(`select * from ${name}`)) {
      const columns = Object.entries(row).filter(([column]) => !LOCAL.has(column));
      const held: Columns = { ...Object.fromEntries(columns), body_hash: bodyDigest(row) };
      found.set(`${name} ${String(row['id'])}`, JSON.stringify(held));
    }
  }
  return found;
}

function checkEqual(devices: readonly Device[]): void {
  const [first, ...others] = devices.map(contents) as [
    Map<string, string>,
    ...Map<string, string>[],
  ];
  for (const [i, other] of others.entries()) {
    for (const key of new Set([...first.keys(), ...other.keys()])) {
      const [a, b] = [first.get(key), other.get(key)];
      if (a !== b) fail(`C2 d0 and d${i + 1} differ at ${key}:\n  ${a}\n  ${b}`);
    }
  }
}

/**
 * Events of a thread and device stand in the order in which they were written, but for one that the
 * hub had damaged.
 */
function checkOrder({ ledger, damagedRows }: World, device: Device): void {
  for (const row of device.rows.values()) {
    for (const key of ledger.rows.get(row.key)?.before ?? []) {
      const earlier = damagedRows.has(key) ? undefined : device.rows.get(key);
      if (earlier && earlier.seq > row.seq) {
        fail(`C3 d${device.index} has ${key} (${earlier.seq}) after ${row.key} (${row.seq})`);
      }
    }
  }
}

function checkHub(world: World, entries: readonly OpenedEntry[]): void {
  const [device] = world.devices as [Device];
  const registers = new Map(entries.filter((e) => e.kind === 'register').map((e) => [e.key, e]));
  for (const [key, version] of device.versions) {
    const entry = registers.get(key);
    if (entry?.version !== version)
      fail(`C7 the hub holds ${key} as ${entry?.version}, not ${version}`);
    if (entry.content !== device.probe.content(key)) fail(`C7 the hub holds another ${key}`);
  }
  for (const key of registers.keys()) {
    if (!device.versions.has(key)) fail(`C7 the hub holds ${key}, which nobody has`);
  }
  const rows = new Set(entries.filter(({ kind }) => kind === 'row').map(({ key }) => key));
  for (const key of device.rows.keys()) if (!rows.has(key)) fail(`C7 the hub lacks ${key}`);
  for (const key of rows) if (!device.rows.has(key)) fail(`C4 only the hub holds ${key}`);
  const latest = world.hubLatest + 10 * MINUTE;
  for (const { key, version, kind } of entries) {
    if (kind !== 'register' || clockOf(version).ms <= latest) continue;
    fail(`C10 ${key} is further ahead than the hub's clock ever was`);
  }
}

function checkRows({ ledger, devices }: World): void {
  const [device] = devices as [Device];
  for (const row of ledger.rows.values()) {
    const purged = isPurged(device, row.root);
    const here = device.rows.has(row.key);
    if (!here && !row.gone && !ledger.purged.has(row.root ?? ''))
      fail(`C4 a row is missing: ${row.key}`);
    if (here && purged) fail(`purge: a row of something purged is there: ${row.key}`);
  }
}

function checkWrites(world: World): void {
  const { ledger, devices, anyRestore, anyCopy } = world;
  const [device] = devices as [Device];
  const parents = new Set(ledger.writes.map((write) => write.parent));
  const listed = conflictsOf(world);
  for (const write of ledger.writes) {
    if (write.gone) continue;
    const version = device.versions.get(write.key);
    if (version === undefined) fail(`C1 ${show(write)} is nowhere`);
    const winner = ledger.of(write.key, version);
    if (!winner) fail(`C1 ${write.key} ${version} is a version that nobody wrote`);
    if (winner === write) continue;
    if (write.stamp > version) fail(`C1 ${show(write)} was lost to the lower ${show(winner)}`);
    const seen =
      anyRestore ||
      isPurged(device, rootOf(device, write.key)) ||
      ledger.writes.some((other) => saysTheSame(other, write)) ||
      listed.some((lost) => lost === write || descends(lost, write));
    const lowered = write.lowered || winner.lowered;
    if (descends(write, winner) && !(lowered && seen) && !(lowered && anyCopy)) {
      fail(`C8 ${show(write)} lost to ${show(winner)}, which it had replaced knowingly`);
    }
    if (!parents.has(write) && !seen && !(lowered && anyCopy)) {
      fail(`C9 ${show(write)} lost to ${show(winner)} and cannot be seen`);
    }
  }
}

/**
 * What was said again later, at another time, is not listed as lost. One whose stamp was lowered was
 * the later one while it had its first stamp, which a copy may still have.
 */
function saysTheSame(later: Write, { key, content, stamp }: Write): boolean {
  const said = (text: string) => text.replaceAll(/("\w+_at",)\d+/g, '$1"some time"');
  const wasLater = later.stamp > stamp || (later.lowered && later.stamp !== stamp);
  return later.key === key && wasLater && said(later.content) === said(content);
}

const show = (write: Write) => `w${write.number} ${write.key} ${write.stamp}`;

function conflictsOf({ ledger, devices }: World): Write[] {
  return devices.flatMap(({ probe }) =>
    probe
      .rows(`select table_name || '|' || row_id || '|' || register, lost_version from conflicts`)
      .flatMap(([key, version]) => ledger.of(String(key), String(version)) ?? []),
  );
}

/** Of what was purged nothing is left: in no row of a device, in no entry of the hub. */
async function checkPurged(world: World, entries: readonly OpenedEntry[]): Promise<void> {
  const [first] = world.devices as [Device];
  const purged = [...world.texts].filter(
    ([root]) => root.includes('|') && isPurged(first, root) && !world.copiedRoots.has(root),
  );
  if (purged.length === 0) return;
  world.count('purgedRoots');
  const onHub = entries.map(({ text }) => text).join('\n');
  const held: [string, string][] = [['the hub', onHub]];
  for (const device of world.devices) {
    await sweepBlobs(device.database, { now: device.now });
    for (const [table, text] of dump(device)) held.push([`d${device.index} ${table}`, text]);
  }
  for (const [root, texts] of purged) {
    for (const text of texts) {
      const where = held.find(([, content]) => content.includes(text));
      if (where) fail(`purge: ${text} of ${root} is still in ${where[0]}`);
    }
  }
}

function dump(device: Device): [string, string][] {
  const tables = device.probe
    .rows(`select name from sqlite_master where type = 'table' and name not like '%search%'`)
    .map(([name]) => String(name))
    .filter((name) => name !== 'blob_chunks' && name !== 'parked');
  return tables.map((name) => [
    name,
    JSON.stringify(device.probe.records(`select * from ${name}`)),
  ]);
}

function checkFiles({ devices, hub }: World): void {
  for (const { probe, index } of devices) {
    const found = probe.text('pragma integrity_check');
    if (found !== 'ok') fail(`C7 d${index} is damaged: ${found}`);
  }
  const found = hub.look((probe) => probe.text('pragma integrity_check'));
  if (found !== 'ok') fail(`C7 the hub is damaged: ${found}`);
}
