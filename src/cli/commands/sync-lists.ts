import { storeCommand } from '../command.ts';
import { formatBytes, formatCount, localTime } from '../format.ts';
import { paging, value } from '../parameters.ts';
import { column, jsonColumn, textColumn, timeColumn } from '../record-columns.ts';
import type { SyncStatus } from '../../index.ts';

export const syncStatus = storeCommand({
  name: 'status',
  summary: 'show how sync stands',
  example: 'sync status',
  access: 'read',
  async run({ store, out }) {
    const status = await store.sync.status();
    out.print(status, () => statusText(status));
  },
});

export const syncVerify = storeCommand({
  name: 'verify',
  summary: 'print a digest of everything that is synced, equal on devices that hold the same',
  example: 'sync verify',
  access: 'read',
  async run({ store, out }) {
    const result = await store.sync.verify();
    out.print(result, (paint) =>
      [
        out.table(
          Object.entries(result.tables),
          [
            column('TABLE', ([name]) => name),
            column('ROWS', ([, table]) => String(table.rows), { align: 'right' }),
            column('DIGEST', ([, table]) => table.digest.slice(0, 16)),
          ],
          paint,
        ),
        `digest ${result.digest}`,
      ].join('\n'),
    );
  },
});

export const syncDevices = storeCommand({
  name: 'devices',
  summary: 'list the devices that the hub knows, or take one out of the group',
  details:
    'A device that is revoked is refused at its next exchange. It still has a token and the key: ' +
    'also give the hub a new JWT key and run "sync key --rotate".',
  example: 'sync devices --revoke 01JZ8',
  access: 'write',
  options: { revoke: value('id', 'the device, or the beginning of its id') },
  async run({ store, out }, { revoke }) {
    if (revoke !== undefined) await store.sync.revoke(revoke);
    const items = await store.sync.devices();
    out.printPage({ items, nextCursor: null }, [
      column('ID', (device) => device.id),
      textColumn('NAME', (device) => `${device.name}${device.self ? ' (this one)' : ''}`),
      column('PLATFORM', (device) => device.platform),
      timeColumn('SEEN', (device) => device.seenAt),
      timeColumn('REVOKED', (device) => device.revokedAt),
    ]);
  },
});

export const syncParked = storeCommand({
  name: 'parked',
  summary: 'list what was received or written and cannot be applied or sent, with the reason',
  example: 'sync parked',
  access: 'read',
  async run({ store, out }) {
    const items = await store.sync.parked({ limit: 1000 });
    out.printPage({ items, nextCursor: null }, [
      column('WAY', (entry) => entry.direction),
      column('TABLE', (entry) => entry.table),
      column('ID', (entry) => entry.id),
      column('REGISTER', (entry) => entry.register),
      column('REASON', (entry) => entry.reason),
      timeColumn('SINCE', (entry) => entry.at),
    ]);
  },
});

export const syncConflicts = storeCommand({
  name: 'conflicts',
  summary: 'list what was overwritten by a device that did not know it, newest first',
  example: 'sync conflicts',
  access: 'read',
  options: paging,
  async run({ store, out }, { limit, cursor }) {
    const page = await store.sync.conflicts({
      ...(limit === undefined ? {} : { limit }),
      ...(cursor === undefined ? {} : { cursor }),
    });
    out.printPage(page, [
      column('TABLE', (conflict) => conflict.table),
      column('ID', (conflict) => conflict.id),
      column('REGISTER', (conflict) => conflict.register),
      timeColumn('FOUND', (conflict) => conflict.foundAt),
      jsonColumn('LOST', (conflict) => conflict.lost),
    ]);
  },
});

function statusText(status: SyncStatus): string {
  if (!status.enabled) return 'sync is off';
  const lines = [
    `hub       ${status.url ?? ''}${status.encrypted ? '' : ' (not encrypted)'}`,
    `device    ${status.deviceName ?? ''} (${status.deviceId})`,
    `worker    ${status.leader ?? 'none is running'}`,
    `pending   ${formatCount(status.pendingRows, 'row')}, ${formatBytes(status.pendingBytes)}${since(status)}`,
    `read      ${status.cursor} of ${status.hubSeq ?? 'unknown'}`,
    `last sync ${status.lastSyncAt === null ? 'never' : localTime(status.lastSyncAt)}`,
  ];
  if (status.clockOffsetMs !== null)
    lines.push(`clock     ${-status.clockOffsetMs} ms ahead of the hub`);
  if (status.parked > 0) lines.push(`set aside ${status.parked}: see "sync parked"`);
  if (status.conflicts > 0) lines.push(`conflicts ${status.conflicts}: see "sync conflicts"`);
  if (status.lastError)
    lines.push(`error     ${status.lastError.message}. ${status.lastError.hint}`);
  for (const device of status.devices) {
    lines.push(
      `          ${device.name}${device.self ? ' (this one)' : ''}, last seen ${localTime(device.seenAt)}`,
    );
  }
  return lines.join('\n');
}

function since({ oldestPendingAt }: SyncStatus): string {
  return oldestPendingAt === null ? '' : `, the oldest since ${localTime(oldestPendingAt)}`;
}
