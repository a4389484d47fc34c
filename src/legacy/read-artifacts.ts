import { closeSync } from 'node:fs';
import type { HomeEntry } from './home-entry.ts';
import { classifyName, entryPath, type HomeReader } from './home-reader.ts';
import type { LegacyKind } from './kinds.ts';
import { problem } from './problem.ts';
import { hashOf, openSource } from './read-source.ts';

/**
 * Names and hashes the files of a session's or a task's artifact directory.
 *
 * @param isOwned - whether what they belong to exists; else each is ignored
 */
export async function* readArtifacts(
  reader: HomeReader,
  owner: 'session' | 'task',
  ownerId: string,
  directory: string,
  isOwned: boolean,
): AsyncGenerator<HomeEntry> {
  const kind: LegacyKind = owner === 'session' ? 'sessions' : 'tasks';
  const { entries, problems } = reader.list(directory, kind);
  yield* problems;
  for (const entry of entries) {
    const file = entryPath(directory, entry);
    const where = { kind, path: reader.show(file) };
    const what = classifyName(entry, '');
    if (what === undefined) continue;
    if (what === 'directory' || what === 'temp_file' || entry.name.startsWith('.'))
      yield problem(where, 'ignore', what === 'record' ? 'foreign_file' : what);
    else if (!isOwned) yield problem(where, 'ignore', `artifact_dir_without_${owner}`);
    else yield* readArtifact(owner, ownerId, file, where);
  }
}

async function* readArtifact(
  owner: 'session' | 'task',
  ownerId: string,
  file: string,
  where: { kind: LegacyKind; path: string },
): AsyncGenerator<HomeEntry> {
  const opened = openSource(file);
  if (opened === 'missing') return;
  if (typeof opened === 'string') {
    // Artifacts are no records, so one that cannot be read is not counted as a failed one.
    yield problem(where, 'anomaly', opened === 'symlink' ? 'symlink' : 'unreadable');
    return;
  }
  const { fd, stats } = opened;
  try {
    const { size, sha256 } = await hashOf(fd, stats.size);
    const { path } = where;
    yield { type: 'artifact', owner, ownerId, path, file, size, sha256, mtimeMs: stats.mtimeMs };
  } finally {
    closeSync(fd);
  }
}
