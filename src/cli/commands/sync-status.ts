import type { SyncStatus } from '../../index.ts';
import { storeCommand } from '../command.ts';
import {
  foreignLine,
  formatAge,
  formatBytes,
  formatCount,
  formatSpan,
  localTime,
  safeLine,
} from '../format.ts';

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

function statusText(status: SyncStatus): string {
  if (!status.enabled) return 'sync is off';
  const { lastSyncAt, hubSeq, lastError } = status;
  const lines = [
    `hub       ${status.url ?? ''}${status.encrypted ? '' : ' (not encrypted)'}`,
    `device    ${foreignLine(status.deviceName ?? '')} (${status.deviceId})`,
    `worker    ${workerText(status)}`,
    `pending   ${formatCount(status.pendingRows, 'row')}, ${formatBytes(status.pendingBytes)}${since(status)}${waits(status)}`,
    `read      ${status.cursor} of ${hubSeq ?? 'unknown'}`,
    `last sync ${lastSyncAt === null ? 'never' : withAge(lastSyncAt)}`,
  ];
  if (status.clockOffsetMs !== null) lines.push(`clock     ${clockText(status.clockOffsetMs)}`);
  if (status.parked > 0)
    lines.push(`set aside ${status.parked}: see "codewhale-store sync parked"`);
  if (status.conflicts > 0)
    lines.push(`conflicts ${status.conflicts}: see "codewhale-store sync conflicts"`);
  if (lastError) {
    const isCopy = lastError.code === 'DEVICE_COPIED';
    lines.push(
      `${isCopy ? 'copied   ' : 'error    '} ${safeLine(lastError.message)} (${formatAge(lastError.at)})`,
    );
    if (lastError.hint !== '') lines.push(`          ${safeLine(lastError.hint)}`);
    if (status.leader !== null && !isCopy)
      lines.push('          The worker tries again by itself.');
  }
  for (const [i, device] of status.devices.entries()) {
    const isUnique = status.devices.filter(({ name }) => name === device.name).length === 1;
    const id = isUnique ? '' : ` ${foreignLine(device.id)}`;
    const revoked = device.revokedAt === null ? '' : ', revoked';
    lines.push(
      `${i === 0 ? 'devices  ' : '         '} ${foreignLine(device.name)}${id}${device.self ? ' (this one)' : ''}, last seen ${withAge(device.seenAt)}${revoked}`,
    );
  }
  return lines.join('\n');
}

function workerText({ leader }: SyncStatus): string {
  return leader === null ? 'none is running' : `process ${leader.split('/')[0] ?? ''}`;
}

/** Half a second is what an answer may take: it says nothing about a clock. */
const SAME_MS = 2000;

/** @param offsetMs - the hub's clock minus ours */
function clockText(offsetMs: number): string {
  if (Math.abs(offsetMs) < SAME_MS) return 'as the clock of the hub';
  return `${formatSpan(offsetMs)} ${offsetMs > 0 ? 'behind' : 'ahead of'} the hub`;
}

function waits({ waitingRows }: SyncStatus): string {
  return waitingRows === 0 ? '' : `; ${waitingRows} of them wait for what is set aside`;
}

function since({ oldestPendingAt }: SyncStatus): string {
  return oldestPendingAt === null ? '' : `, the oldest since ${withAge(oldestPendingAt)}`;
}

function withAge(time: string): string {
  return `${localTime(time)} (${formatAge(time)})`;
}
