import { lstatSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileSize } from '../db/file-facts.ts';
import type { Check } from './check.ts';

/** What a backup writes, under whatever name, before it is whole. */
const OF_BACKUP = String.raw`.+\.partial`;
/** What else is made beside a store and gets another name when it is whole. */
const OF_STORE = String.raw`\.(?:(?:importing-\d+-[^.]+|(?:[0-9a-f]{8}\.)?restoring|keeping|salvaging|rebuilding)(?:\.before-v\d+(?:\.[0-9A-Z]{26})?)?|before-v\d+\.[0-9A-Z]{26})`;
const SQLITES_OWN = '-journal|-wal|-shm';
/** A command that is still at it changed its file not long ago. Reading a copy back takes a while. */
const AT_WORK_MS = 10 * 60_000;

interface Leftover {
  readonly name: string;
  bytes: number;
  changedAt: number;
}

/**
 * Files that a command left behind that was killed. They are only told of: whether a process still
 * works on one cannot be known for sure, and such a name may be somebody else's.
 */
export function leftovers(path: string, now: number): Check {
  const found = [...findLeftovers(path).values()];
  const isOld = ({ changedAt }: Leftover) => now - changedAt > AT_WORK_MS;
  const told = found.slice(0, 3).map(({ name, bytes }) => `${name} (${bytes} bytes)`);
  const more = found.length > 3 ? `, and ${found.length - 3} more` : '';
  return {
    name: 'leftovers',
    ok: !found.some(isOld),
    detail:
      found.length === 0
        ? 'nothing of a command that was ended'
        : `beside the store: ${told.join(', ')}${more}; when no import, backup, restore or repair is under way, ` +
          'delete what has such a name, with its -journal, -wal and -shm',
  };
}

/** By the name of the file that was to become one; its journals belong to it. */
function findLeftovers(path: string): Map<string, Leftover> {
  const folder = dirname(path);
  const store = basename(path).replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const pattern = new RegExp(`^(${OF_BACKUP}|${store}${OF_STORE})(?:${SQLITES_OWN})?$`, 's');
  const found = new Map<string, Leftover>();
  for (const entry of readdirSync(folder).sort()) {
    const name = pattern.exec(entry)?.[1];
    if (name === undefined) continue;
    const stat = lstatSync(join(folder, entry), { throwIfNoEntry: false });
    if (!stat?.isFile() && !stat?.isDirectory()) continue;
    const known = found.get(name) ?? { name, bytes: 0, changedAt: 0 };
    known.bytes += stat.isFile() ? stat.size : sizeOf(join(folder, entry));
    known.changedAt = Math.max(known.changedAt, stat.mtimeMs);
    found.set(name, known);
  }
  return found;
}

/** The bytes of what lies in a folder, the copy of an import. */
function sizeOf(folder: string): number {
  const sizes = readdirSync(folder).map((entry) => fileSize(join(folder, entry)));
  return sizes.reduce((sum, size) => sum + size, 0);
}
