import { createHash } from 'node:crypto';
import { isInside } from './export-target.ts';

const LEGACY_ID = /^[A-Za-z0-9_-]+$/;
/** File names that mean something else in a home. */
const RESERVED = new Set(['session_boot_owners', 'latest', 'offline_queue']);

/**
 * The id under which a record is exported: its own where the old program takes it. It takes only
 * `[A-Za-z0-9_-]`, so that another one, such as that of a record whose short id another record bore
 * already (`thr_0a1b2c3d~9f8e7d6c`), is spelled with `-` and a digest.
 */
export function legacyId(id: string): string {
  if (LEGACY_ID.test(id)) return id;
  if (isDerivedId(id)) return id.replace('~', '-');
  return `${id.replace(/[^A-Za-z0-9_-]/g, '_')}-${digestOf(id)}`;
}

/** Whether an import made the id, for a record whose short id another one bore already. */
export function isDerivedId(id: string): boolean {
  return /^[A-Za-z0-9_-]+~[0-9a-f]{8}$/.test(id);
}

/** The id of a task as it is exported: the old program takes any but those that an import made. */
export function taskId(id: string): string {
  return isDerivedId(id) ? legacyId(id) : id;
}

export function taskIdOrNull(id: string | null): string | null {
  return id === null ? null : taskId(id);
}

/** The text of a task with the paths of its artifacts, which lie in a folder of its exported id. */
export function withArtifactPaths(id: string, body: string): string {
  if (!isDerivedId(id)) return body;
  const shortId = id.slice(0, id.lastIndexOf('~'));
  return body.replaceAll(`"artifacts/${shortId}/`, `"artifacts/${taskId(id)}/`);
}

export function legacyIdOrNull(id: string | null): string | null {
  return id === null ? null : legacyId(id);
}

/** {@link legacyId} as the name of a file in a folder of sessions or checkpoints. */
export function sessionFileName(id: string): string {
  const name = legacyId(id);
  return RESERVED.has(name) ? `${name}-${digestOf(id)}` : name;
}

/** A name for any id, for formats without a rule of their own. */
export function plainFileName(id: string): string {
  if (isDerivedId(id)) return legacyId(id);
  const plain = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,150}$/.test(id);
  return plain ? id : `${id.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 100)}-${digestOf(id)}`;
}

/** A name that a file of a home had, where it is one; it may have come from another device. */
export function keptFileName(name: string): string {
  return isInside(name) && !name.includes('/') && name.length <= 200 ? name : plainFileName(name);
}

function digestOf(id: string): string {
  return createHash('sha256').update(id).digest('hex').slice(0, 8);
}

/** As the old program names run files: `20260705T142530123Z`. */
export function fileStamp(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:.]/g, '');
}

/** RFC 3339 as the old program prints it: no fraction where there is none. */
export function legacyTime(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}
