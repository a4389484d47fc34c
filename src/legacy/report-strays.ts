import type { HomeEntry } from './home-entry.ts';
import { classifyName, entryPath, type HomeReader } from './home-reader.ts';
import type { LegacyKind } from './kinds.ts';
import { problem } from './problem.ts';

/** Reports what lies in the top directory of an area and is no part of it. */
export function* reportStrays(
  reader: HomeReader,
  directory: string,
  kind: LegacyKind,
  known: string[],
): Generator<HomeEntry> {
  const { entries, problems } = reader.list(directory, kind);
  yield* problems;
  for (const entry of entries) {
    if (known.includes(entry.name)) continue;
    const what = classifyName(entry, '.json');
    if (what === undefined) continue;
    const where = { kind, path: reader.show(entryPath(directory, entry)) };
    yield problem(where, 'ignore', what === 'record' ? 'foreign_file' : what);
  }
}
