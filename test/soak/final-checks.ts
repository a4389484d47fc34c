import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CheckResult, Digest, ParkedEntry } from '../../src/index.ts';
import { clockOf } from '../../src/model/version.ts';
import type { SoakDevice } from './device.ts';
import { heldBy, rowKey, type Inspection } from './inspection.ts';
import type { Ledger, MadeRow, Register } from './ledger.ts';
import type { World } from './world.ts';

const GENEROUS_MS = 60_000;

/** What must hold at rest. Tells of every violation, not only the first one. */
export async function checkAll(world: World): Promise<void> {
  const said = new Set<string>();
  for (const device of world.devices) {
    const inspection = await device.inspect();
    const say = (text: string) => {
      // What is wrong on all of them alike is told of the first.
      if (!said.has(text)) world.violation(`${text} (${device.name})`);
      said.add(text);
    };
    checkRows(world.ledger, inspection, say);
    checkRegisters(world.ledger, inspection, say);
    checkOrder(world.ledger, inspection, say);
    await checkFollowed(device, inspection, say);
    await checkStore(device, inspection, say);
    checkModes(device, say);
  }
  await checkHub(world);
  for (const found of world.secrets.found) world.violation(`C8 a secret was printed: ${found}`);
}

type Say = (text: string) => void;

/** C1: all that was promised, nothing twice, and nothing that nobody wrote. */
function checkRows(ledger: Ledger, inspection: Inspection, say: Say): void {
  const found = new Set<string>();
  for (const [table, list] of Object.entries(inspection.rows)) {
    for (const [tag] of list) {
      const key = `${table}|${tag}`;
      if (found.has(key)) say(`C1 twice: ${key}`);
      found.add(key);
      const known = ledger.rows.get(key);
      if (!known && !tag.startsWith('soak.base.')) say(`C1 nobody wrote ${key}`);
      if (known?.state === 'refused') say(`C1 ${key} was refused, and is there`);
    }
  }
  const isPurged = (row: MadeRow) => ledger.purged.has(row.root);
  for (const row of ledger.rows.values()) {
    if (row.state !== 'acked' || row.gone || isPurged(row)) continue;
    if (!found.has(rowKey(row))) say(`C1 lost: ${rowKey(row)} of ${row.writer}, id ${row.id}`);
  }
  for (const [table, count] of inspection.left)
    say(`${count} rows of ${table} are left of a purge`);
}

/** C2: the highest version among all that were seen, or one whose writer was killed. */
function checkRegisters(ledger: Ledger, inspection: Inspection, say: Say): void {
  const { versions } = heldBy(inspection);
  for (const register of ledger.registers.values()) {
    if (ledger.purged.has(register.root) || register.seen.length === 0) continue;
    const [version = '', value = null] = versions.get(register.key) ?? [];
    const wrong = wrongOf(register, version, value);
    if (wrong) say(`C2 ${register.key} is ${String(value)} at ${version}: ${wrong}`);
  }
}

function wrongOf(register: Register, version: string, value: unknown): string | undefined {
  const alive = register.seen.filter(({ gone }) => !gone);
  // The record itself was destroyed with all that was ever written into it.
  if (version === '' && alive.length === 0) return undefined;
  const same = register.seen.find((seen) => seen.version === version);
  if (same && same.value !== value) return `it was ${String(same.value)} at this version`;
  if (!same && !isKnownValue(register, value)) return 'nobody wrote that';
  const straight = alive.filter(({ ahead }) => !ahead);
  const above = straight.find((seen) => seen.version > version);
  if (above) return `${String(above.value)} at ${above.version} was lost`;
  // A write with a clock that was ahead is stamped anew: the last one of all must have stayed.
  const last = alive.reduce<(typeof alive)[number] | undefined>(
    (latest, seen) => (latest && latest.atMs >= seen.atMs ? latest : seen),
    undefined,
  );
  const others = register.seen.filter((seen) => seen !== last);
  // Its new stamp may be of a moment before its own writer had heard that it stands.
  if (!last?.ahead || register.tried.has(null) || last.value === value) return undefined;
  const undisputed = others.every((seen) => clockOf(seen.version).ms < last.atMs);
  const later = clockOf(version).ms > last.atMs;
  if (undisputed && !later) return `${String(last.value)}, written with a wrong clock, was lost`;
  return undefined;
}

/** What somebody began to write, or what the record was made with. */
function isKnownValue({ tried, root, key }: Register, value: unknown): boolean {
  const id = root.slice(root.indexOf('|') + 1);
  return tried.has(null) || tried.has(value) || value === id || key.endsWith('|lifecycle');
}

/** C3: the events of a writer stand in the order in which they were written. */
function checkOrder(ledger: Ledger, inspection: Inspection, say: Say): void {
  const places = new Map<string, number>();
  for (const [tag, , , seq] of inspection.rows.runtime_events) places.set(tag, seq);
  for (const [writer, tags] of ledger.order) {
    let last = 0;
    for (const tag of tags) {
      const seq = places.get(tag);
      if (seq === undefined) continue;
      if (seq < last) say(`C3 ${tag} of ${writer} stands at ${seq}, after ${last}`);
      last = seq;
    }
  }
}

/** C3: whoever follows a thread by number has seen every event of it, in order. */
async function checkFollowed(device: SoakDevice, inspection: Inspection, say: Say): Promise<void> {
  for (const followed of device.followed) {
    const last = new Map(inspection.threads).get(followed.thread) ?? 0;
    const until = Date.now() + GENEROUS_MS;
    while ((followed.seen.at(-1)?.[0] ?? followed.start) < last && Date.now() < until)
      await sleep(50);
    const seen = new Set(followed.seen.map(([, type]) => type));
    for (const [tag, , thread, seq] of inspection.rows.runtime_events) {
      if (thread !== followed.thread || seq <= followed.start || seen.has(tag)) continue;
      say(`C3 who follows ${thread} has not seen ${tag} at ${seq}`);
    }
  }
}

/** C7 */
async function checkStore(device: SoakDevice, inspection: Inspection, say: Say): Promise<void> {
  if (inspection.integrity.join() !== 'ok') say(`C7 ${inspection.integrity.join('; ')}`);
  // Leases of killed programs are what they are; what came last is indexed by and by.
  const bad = async () =>
    (await device.ask<CheckResult>('check')).checks.filter(
      ({ ok, name }) => !ok && name !== 'leases',
    );
  const until = Date.now() + GENEROUS_MS;
  let found = await bad();
  while (found.length > 0 && Date.now() < until) {
    await sleep(500);
    found = await bad();
  }
  for (const { name, detail } of found) say(`C7 ${name}: ${detail}`);
  const parked = await device.ask<ParkedEntry[]>('parked');
  const left = parked.filter((entry) => !isDestroyed(device.world.ledger, entry));
  if (left.length > 0) say(`parked: ${JSON.stringify(left.slice(0, 3))}`);
}

/** A body whose pieces were destroyed on the hub after the device that wrote it was: it never comes. */
function isDestroyed(ledger: Ledger, { reason, table }: ParkedEntry): boolean {
  if (reason !== 'chunks') return false;
  return [...ledger.rows.values()].some((row) => row.gone && row.table === table);
}

/** C8: nobody else can read the store. */
function checkModes(device: SoakDevice, say: Say): void {
  const folder = join(device.home, '.codewhale', 'store');
  const modeOf = (path: string) => lstatSync(path).mode & 0o777;
  if (modeOf(folder) !== 0o700) say(`C8 ${folder} has mode ${modeOf(folder).toString(8)}`);
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat?.isFile() && (stat.mode & 0o077) !== 0)
      say(`C8 ${path} has mode ${stat.mode.toString(8)}`);
  }
}

/** C7 on the hub: a sound file, and numbers that agree. */
async function checkHub(world: World): Promise<void> {
  const [sound] = await world.hub.ask('pragma integrity_check');
  if (sound?.[0] !== 'ok') world.violation(`C7 the hub: ${String(sound?.[0])}`);
  const [meta] = await world.hub.ask(
    `select head, coalesce((select max(seq) from hub_entries), 0),
       (select count(*) from hub_commits), (select count(distinct token) from hub_commits),
       (select max(head) from hub_commits) from hub_meta`,
  );
  const [head, last, commits, tokens, latest] = (meta ?? []).map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ];
  if (last > head || latest !== head)
    world.violation(`C7 the hub is at ${head}, holds ${last}, was at ${latest}`);
  if (tokens !== commits) world.violation(`C7 ${commits} states of the hub have ${tokens} tokens`);
}

/** C6: whoever comes now finds all of it on the hub alone. */
export async function checkFresh(world: World): Promise<void> {
  const [first] = world.devices as [SoakDevice];
  const { tables: expected } = await first.ask<Digest>('verify');
  const home = join(world.folder, 'fresh');
  for (const keyFile of world.keyFiles.toReversed()) {
    const options = { tokenFile: first.tokenFile, name: 'fresh', pull: 'http', keyFile };
    const place = { home, path: join(home, 'store.db'), skewFile: join(home, 'skew') };
    const job = () => first.once<Digest>('fresh', { ...place, url: world.hub.url, options });
    const { tables } = await job().catch((error: unknown) => {
      if (/SYNC_KEY/.test(String(error))) return { tables: undefined };
      throw error;
    });
    if (!tables) continue;
    for (const [name, { rows, digest }] of Object.entries(expected)) {
      const found = tables[name];
      if (found?.digest === digest) continue;
      world.violation(
        `C6 a new device has ${found?.rows} ${name}, unlike the ${rows} of the others`,
      );
    }
    return;
  }
  world.violation('C6 no key lets a new device in');
}
