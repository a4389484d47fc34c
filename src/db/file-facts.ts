import { lstatSync, readdirSync, statfsSync } from 'node:fs';
import { basename, dirname } from 'node:path';

// Asked by name, never by opening: see `Database`.

/** Bytes of a file; 0 when it does not exist. */
export function fileSize(path: string): number {
  return lstatSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Files and folders of the store that others than their owner may use, as `path mode`. */
export function openToOthers(path: string): string[] {
  const folder = ownFolder(path);
  const names = [path, `${path}-wal`, `${path}-shm`];
  return [...(folder === undefined ? [] : [folder]), ...names].flatMap((name) => {
    const stat = lstatSync(name, { throwIfNoEntry: false });
    const mode = (stat?.mode ?? 0) & 0o777;
    return (mode & 0o077) === 0 ? [] : [`${name} is 0${mode.toString(8)}`];
  });
}

/** What else this library puts beside a store: a hub's folder, and a copy of the hub. */
const BESIDE = ['hub', 'hub-replica.db'];

/**
 * The folder of the store where it holds nothing else, as the one that the store made. Any other is
 * its owner's business.
 */
export function ownFolder(path: string): string | undefined {
  const folder = dirname(path);
  const ours = [basename(path), ...BESIDE];
  const entries = readdirSync(folder);
  return entries.every((entry) => ours.some((name) => entry.startsWith(name))) ? folder : undefined;
}

// linux/magic.h: file systems whose locks other machines may not see.
const NETWORK = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x01021997, '9P'],
  [0x65735546, 'FUSE'],
]);

/** The name of the network file system that `path` lies on, if it is one. */
export function networkFileSystem(path: string): string | undefined {
  return NETWORK.get(statfsSync(dirname(path)).type >>> 0);
}
