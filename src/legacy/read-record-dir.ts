import type { Dirent } from 'node:fs';
import { join } from 'node:path';
import type { HomeEntry } from './home-entry.ts';
import { classifyName, entryPath, type HomeReader } from './home-reader.ts';
import type { LegacyKind } from './kinds.ts';
import { problem } from './problem.ts';
import { readJsonFile, type RecordSpec } from './read-json-file.ts';

/** A directory of record files. */
export interface RecordDirSpec extends RecordSpec {
  directory: string;
  /** The kind under which files that are no records are counted, when it is another. */
  ignoredAs?: LegacyKind;
  /** Names that are read elsewhere. */
  except?: string[];
  /** Takes the subdirectories, where these have a meaning. */
  subdirectories?: Dirent[];
  /** Takes the names of all record files, without `.json`. */
  stems?: Set<string>;
  /** Names that go first when two files hold one id. */
  goesFirst?: (stem: string) => boolean;
}

/**
 * Reads every record file of a directory.
 *
 * Where two files hold one id, the one whose name fits it wins: files whose name fits come first,
 * the others wait until all of them are known.
 */
export async function* readRecordDir(
  reader: HomeReader,
  spec: RecordDirSpec,
): AsyncGenerator<HomeEntry> {
  const { kind, directory } = spec;
  const { entries, problems } = reader.list(directory, kind);
  yield* problems;
  const files: string[] = [];
  for (const entry of entries) {
    if (spec.except?.includes(entry.name) === true) continue;
    const path = entryPath(directory, entry);
    const what = classifyName(entry, '.json');
    if (what === 'record') {
      files.push(entry.name);
      spec.stems?.add(stemOf(entry.name));
    } else if (what === 'directory' && spec.subdirectories !== undefined) {
      spec.subdirectories.push(entry);
    } else if (what !== undefined) {
      yield problem({ kind: spec.ignoredAs ?? kind, path: reader.show(path) }, 'ignore', what);
    }
  }
  const { goesFirst } = spec;
  const ordered =
    goesFirst === undefined
      ? files
      : [
          ...files.filter((name) => goesFirst(stemOf(name))),
          ...files.filter((name) => !goesFirst(stemOf(name))),
        ];
  const waiting: string[] = [];
  for (const name of ordered) {
    const outcome = await readJsonFile(reader, spec, join(directory, name), stemOf(name), false);
    if ('misplaced' in outcome) waiting.push(name);
    else yield* outcome.entries;
  }
  for (const name of waiting) {
    const outcome = await readJsonFile(reader, spec, join(directory, name), stemOf(name), true);
    if ('entries' in outcome) yield* outcome.entries;
  }
}

function stemOf(name: string): string {
  return name.slice(0, -'.json'.length);
}
