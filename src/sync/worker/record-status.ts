import { HubAccessError, StoreError } from '../../errors.ts';
import type { Access } from '../connect.ts';
import { greetStatement, readDevices, revokeAgain, type KnownDevice } from '../devices.ts';
import type { Exchange } from '../exchange.ts';
import type { HubSeen } from '../hub-meta.ts';
import type { Repairs } from '../repairs.ts';
import { formatTime } from '../../model/time.ts';
import { listedDevices, type ListedDevice, type SyncFailure } from '../status.ts';
import { needStatusRow } from './status-row.ts';

/** Notes for every process of the store what an exchange brought, and who the devices are. */
export async function recordSuccess(
  access: Access,
  exchange: Exchange,
  meta: HubSeen | null,
): Promise<void> {
  await recordExchange(access, exchange, meta);
  await greet(exchange);
  await recordDevices(access, exchange);
}

/**
 * The list of devices as the hub has it, to be shown while it is away; and what the hub and this
 * device have to tell each other of it: revocations that it lost, and a name that another one gave.
 */
export async function recordDevices({ database, now }: Access, exchange: Exchange): Promise<void> {
  const known = await database.read(listedDevices);
  let listed = await readDevices(exchange.hub);
  const lost = known.filter(({ id, revokedAt }) => {
    const there = listed.find((device) => device.id === id);
    return revokedAt !== null && (there?.revokedAt ?? null) === null;
  });
  if (lost.length > 0) {
    await orReadOnly(revokeAgain(exchange.hub, lost.map(fromListed)));
    listed = await readDevices(exchange.hub);
  }
  const devices = listed.map((device) => ({
    id: device.id,
    name: device.name,
    platform: device.platform,
    seenAt: formatTime(device.seenAt),
    revokedAt: formatTime(device.revokedAt),
  }));
  await database.write({ now }, (transaction) => {
    needStatusRow(transaction);
    transaction.run('update sync_status set devices = ?', [JSON.stringify(devices)]);
    const name = devices.find(({ id }) => id === transaction.device)?.name ?? '';
    if (name !== '') transaction.run('update sync_state set device_name = ?', [name]);
  });
}

function fromListed({ seenAt, revokedAt, ...device }: ListedDevice): KnownDevice {
  return {
    ...device,
    seenAt: Date.parse(seenAt),
    revokedAt: revokedAt === null ? null : Date.parse(revokedAt),
  };
}

/** Shows the others that this device is there, also where it has nothing to send. */
export async function greet({ database, hub, info }: Exchange): Promise<void> {
  const device = await database.read((reader) =>
    String(reader.rows('select id from device')[0]?.[0]),
  );
  await orReadOnly(hub.run([greetStatement(device, info)], 'write'));
}

/** With a token that may only read it goes without. */
async function orReadOnly(written: Promise<unknown>): Promise<void> {
  try {
    await written;
  } catch (error) {
    if (!(error instanceof HubAccessError)) throw error;
  }
}

/** How far the hub is, by how much its clock differs, and that all is well. */
export async function recordExchange(
  { database, now }: Access,
  { replica, memory }: Exchange,
  meta: HubSeen | null,
): Promise<void> {
  const unsynced = replica?.failure && describeFailure(replica.failure, now);
  if (unsynced) unsynced.message += '; what it was for was read over HTTP';
  const failure = describeRepairs(memory.repairs, now) ?? unsynced;
  await database.write({ now }, (transaction) => {
    needStatusRow(transaction);
    transaction.run(
      `update sync_status set hub_head = coalesce(?, hub_head),
         clock_offset_ms = coalesce(?, clock_offset_ms), synced_at = ?, error = ?`,
      [
        meta?.head.number ?? null,
        meta?.offsetMs ?? null,
        now(),
        failure ? JSON.stringify(failure) : null,
      ],
    );
  });
}

/** What there is to tell of damage on the hub; undefined: nothing. */
function describeRepairs({ lately, told }: Repairs, now: () => number): SyncFailure | undefined {
  const { count, waits } = lately;
  if (count === 0 && !waits && told.length === 0) return undefined;
  const taken = `${count} entries on the hub could be read by nobody, and were taken off`;
  const left = 'entries on the hub can be read by nobody, and were not taken off yet';
  return {
    code: 'HUB_DAMAGED',
    message: [...told, count > 0 ? taken : '', waits ? left : '']
      .filter((text) => text !== '')
      .join('; '),
    hint: 'Look who has a token for the hub, and after its disk; your devices send what they have again.',
    retryable: true,
    at: new Date(now()).toISOString(),
  };
}

/** Notes why an exchange failed, without a word of content. */
export async function recordFailure({ database, now }: Access, error: unknown): Promise<void> {
  const failure = describeFailure(error, now);
  await database.write({ now }, (transaction) => {
    needStatusRow(transaction);
    transaction.run('update sync_status set error = ?', [JSON.stringify(failure)]);
  });
}

/** An error as it may be shown: without a word of content. */
export function describeFailure(error: unknown, now: () => number): SyncFailure {
  const known = error instanceof StoreError;
  return {
    code: known ? error.code : 'BUG',
    message: known ? error.message : `an unexpected error (${placeOf(error)}); please report it`,
    hint: known ? error.hint : '',
    retryable: known && error.retryable,
    at: new Date(now()).toISOString(),
  };
}

/** What was thrown and where, in names of the program alone: its message might hold content. */
function placeOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const frames = (error.stack ?? '').split('\n').filter((line) => /^ +at /.test(line));
  const places = frames.slice(0, 3).map((line) => /[^/\\( ]+:\d+:\d+/.exec(line)?.[0] ?? '?');
  return [error.name, ...places].join(' ');
}
