import * as z from 'zod';
import {
  AmbiguousIdError,
  HubNotAskedError,
  HubUnreachableError,
  InvalidInputError,
  NotFoundError,
} from '../errors.ts';
import { formatTime } from '../model/time.ts';
import { validate } from '../model/validate.ts';
import { connect, type Access } from './connect.ts';
import {
  hideDevice,
  markRevoked,
  nameAnew,
  readDevices,
  shown,
  type HubDevice,
} from './devices.ts';
import type { Hub } from './hub/hub.ts';
import { needState } from './state.ts';
import { listedDevices, type SyncDevice } from './status.ts';

// What `Sync` says of each of these is promised there.

export async function devicesOf(access: Access): Promise<SyncDevice[]> {
  return atHub(access, async (hub, self) => {
    const list = shown(await readDevices(hub));
    return list.map(({ key: _key, ...device }) => ({
      ...device,
      seenAt: formatTime(device.seenAt),
      revokedAt: formatTime(device.revokedAt),
      self: device.id === self,
    }));
  });
}

export async function revokeDevice(access: Access, id: string): Promise<void> {
  access.database.refuseReadOnly();
  await atHub(access, async (hub, self) => {
    const device = await findDevice(hub, id);
    if (device.id === self) {
      throw new InvalidInputError(
        'this device cannot revoke itself; turn sync off to leave, or revoke it on another device',
      );
    }
    await markRevoked(hub, device);
    // Not only with the next exchange: no work is to be given to it meanwhile.
    const { database, now } = access;
    await database.write({ now }, (transaction) => {
      const devices = listedDevices(transaction).map((each) =>
        each.id === device.id ? { ...each, revokedAt: each.revokedAt ?? formatTime(now()) } : each,
      );
      transaction.run('update sync_status set devices = ?', [JSON.stringify(devices)]);
    });
  });
}

export async function renameDevice(access: Access, id: string, name: string): Promise<void> {
  access.database.refuseReadOnly();
  await atHub(access, async (hub, self) => {
    const device = await findDevice(hub, id);
    await nameAnew(hub, device, name);
    if (device.id !== self) return;
    const { database, now } = access;
    await database.write({ now }, (transaction) => {
      transaction.run('update sync_state set device_name = ?', [name]);
    });
  });
}

export async function forgetDevice(access: Access, id: string): Promise<void> {
  access.database.refuseReadOnly();
  await atHub(access, async (hub, self) => {
    const device = await findDevice(hub, id);
    if (device.id === self) {
      throw new InvalidInputError('this device cannot forget itself; turn sync off to leave');
    }
    await hideDevice(hub, device);
  });
}

/** Asks the hub itself for something. @param job - also gets the id of this device */
async function atHub<T>(access: Access, job: (hub: Hub, self: string) => Promise<T>): Promise<T> {
  const connected = await connect(access);
  try {
    const { device } = await access.database.read(needState);
    return await job(connected.exchange.hub, device);
  } catch (error) {
    if (!(error instanceof HubUnreachableError)) throw error;
    throw new HubNotAskedError(error.message, { cause: error });
  } finally {
    connected.close();
  }
}

const LISTED = '"codewhale-store sync devices" lists the devices with their ids.';

async function findDevice(hub: Hub, prefix: string): Promise<HubDevice> {
  validate(z.string().min(1).max(200), prefix, 'device id');
  const found = shown(await readDevices(hub)).filter(({ id }) => id.startsWith(prefix));
  const [device, ...others] = found;
  if (!device) throw new NotFoundError('device', prefix, { hint: LISTED });
  if (others.length > 0 && device.id !== prefix) throw new AmbiguousIdError('device', prefix);
  return device;
}
