import { destroying } from './excuse.ts';
import { openEntries, piecesOf, ringsOf } from './hub-entries.ts';
import type { Probe } from './probe.ts';
import type { Random } from './random.ts';
import { MINUTE, type World } from './world.ts';

/** An entry as it lies on the hub. */
interface Lying {
  readonly seq: number;
  readonly table: string;
  readonly version: string;
  readonly payload: Uint8Array;
}

/**
 * Makes an entry of the hub one that nobody can read: a byte of it changes where it lies, or somebody
 * with SQL and without the key writes over it, or writes one of something that nobody has.
 */
export async function damage(world: World): Promise<void> {
  await destroying(
    world.ledger,
    world.devices,
    () => world.hub,
    () => {
      const name = world.hub.look((probe) => damageOne(world, probe));
      if (name !== undefined) world.count(name);
    },
  );
}

function damageOne(world: World, probe: Probe): string | undefined {
  const { random } = world;
  const entries = damageable(world, probe);
  if (entries.length === 0) return undefined;
  const pieces = entries.filter(({ table }) => table === 'chunks');
  // Few entries are pieces, and few bodies have any.
  const entry = random.pick(pieces.length > 0 && random.chance(0.3) ? pieces : entries);
  if (entry.table === 'chunks') world.count('damagedPieces');
  const kinds = { damagedInPlace: 5, forged: 4, forgedAnew: entry.table === 'chunks' ? 0 : 1 };
  const kind = random.weighted(kinds);
  world.log(`    ${kind} ${entry.seq} ${entry.table} ${entry.version}`);
  const before = rowsOf(world, probe);
  if (kind === 'damagedInPlace') changeByte(world, probe, entry);
  else forge(world, probe, entry, kind === 'forgedAnew');
  const after = rowsOf(world, probe);
  for (const key of before) if (!after.has(key)) world.damagedRows.add(key);
  world.anyDamage = true;
  return kind;
}

function rowsOf({ devices }: World, probe: Probe): Set<string> {
  const entries = openEntries(probe, 'hub_entries', ringsOf(devices));
  return new Set(entries.filter(({ kind }) => kind === 'row').map(({ key }) => key));
}

/**
 * Of large bodies only those that a device has whole, and only while no device is restored: an entry
 * whose body is nowhere any more waits for ever.
 */
function damageable(world: World, probe: Probe): Lying[] {
  const { devices, settings } = world;
  const held = new Set(
    devices.flatMap((one) => one.probe.rows('select hash from blobs').map(([hash]) => hash)),
  );
  const opened = openEntries(probe, 'hub_entries', ringsOf(devices));
  const pieces = new Set(
    opened
      .filter(({ body }) => body && held.has(body.hash) && !settings.faults.includes('devRestore'))
      .flatMap((entry) => piecesOf(entry).map(String)),
  );
  return probe
    .rows('select seq, table_name, version, payload, id, register from hub_entries order by seq')
    .filter(([, table, , , ...piece]) => table !== 'chunks' || pieces.has(String(piece)))
    .map(([seq, table, version, payload]) => ({
      seq: Number(seq),
      table: String(table),
      version: String(version),
      payload: payload as unknown as Uint8Array,
    }));
}

/** Without a key only the first byte, which says how the rest is written: other changes nobody can tell. */
function changeByte({ random, settings }: World, probe: Probe, { seq, payload }: Lying): void {
  const bytes = Buffer.from(payload);
  if (settings.encrypted) {
    const at = random.below(bytes.length);
    bytes[at] = (bytes[at] as number) ^ (1 + random.below(255));
  } else bytes[0] = 2 + random.below(254);
  probe.exec(`update hub_entries set payload = x'${bytes.toString('hex')}' where seq = ${seq}`);
}

/** As a commit does it: behind all others, in a new state of the hub. */
function forge(world: World, probe: Probe, entry: Lying, anew: boolean): void {
  const { random, settings } = world;
  const token = noise(random, 16).toString('hex');
  const id = anew ? `'${noise(random, 8).toString('hex')}'` : 'id';
  const version = forgedVersion(world, entry.version);
  const key = random.chance(0.2) ? '77' : 'key_number';
  // Without encryption it may as well be what a newer program writes.
  const schema = settings.encrypted && random.chance(0.2) ? '99' : 'schema';
  const bytes = Buffer.concat([Buffer.of(2 + random.below(254)), noise(random, 40)]);
  probe.exec(`
    begin immediate;
    update hub_meta set head = head + 1;
    insert into hub_commits select head, '${token}' from hub_meta;
    create temp table forged as select head as seq, table_name, ${id} as id, register,
      '${version}' as version, ${key} as key_number, ${schema} as schema,
      x'${bytes.toString('hex')}' as payload from hub_entries, hub_meta where seq = ${entry.seq};
    insert or replace into hub_entries select * from forged;
    drop table forged;
    commit`);
}

/** Far ahead, long ago, or about now; of a row that never changes perhaps the version of a mark. */
function forgedVersion({ random, time }: World, version: string): string {
  const stamp = random.pick([
    'ffffffffffff0000',
    '0000000000010000',
    `${(time + random.below(10) * MINUTE).toString(16).padStart(12, '0')}0000`,
  ]);
  const at = version.search(/[0-9a-f]{16}-/);
  if (at < 0) return random.pick([version, '', '1', stamp]);
  return version.slice(0, at) + stamp + version.slice(at + stamp.length);
}

function noise(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.below(256)));
}
