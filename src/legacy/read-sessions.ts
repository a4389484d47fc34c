import type { Dirent } from 'node:fs';
import { join } from 'node:path';
import { checkpointCheck, sessionCheck } from './check/session.ts';
import {
  bootOwnersCheck,
  offlineQueueCheck,
  receiptCheck,
  sessionGoalCheck,
} from './check/session-side-files.ts';
import { anything } from './check/shape.ts';
import type { HomeEntry } from './home-entry.ts';
import { HomeReader } from './home-reader.ts';
import { problem } from './problem.ts';
import { readArtifacts } from './read-artifacts.ts';
import { readSingleFile } from './read-json-file.ts';
import { readLines } from './read-lines.ts';
import { readRecordDir } from './read-record-dir.ts';

const GOALS = '.goals';
const ARCHIVE = '.work-graph-import-archive';
const LATER = new Set(['.late-usage']);

/** Reads saved sessions and all that lies beside them. */
export async function* readSessions(
  reader: HomeReader,
  directory: string,
): AsyncGenerator<HomeEntry> {
  const stems = new Set<string>();
  const subdirectories: Dirent[] = [];
  yield* readRecordDir(reader, {
    kind: 'sessions',
    check: sessionCheck,
    idOf: sessionId,
    version: 1,
    longTexts: true,
    directory,
    except: ['session_boot_owners.json', 'checkpoints', GOALS, ARCHIVE],
    subdirectories,
    stems,
  });
  yield* readSingleFile(
    reader,
    { kind: 'session_boot_owners', check: bootOwnersCheck },
    join(directory, 'session_boot_owners.json'),
  );
  yield* readRecordDir(reader, {
    kind: 'session_goals',
    check: sessionGoalCheck,
    version: 1,
    directory: join(directory, GOALS),
    ignoredAs: 'sessions',
  });
  yield* readRecordDir(reader, {
    kind: 'work_graph_archive',
    check: anything,
    directory: join(directory, ARCHIVE),
    ignoredAs: 'sessions',
  });
  yield* readCheckpoints(reader, join(directory, 'checkpoints'), stems);

  // A refused session may be readable one day: what lies beside it is not without a session.
  const isOwned = (name: string) =>
    stems.has(name) || reader.has('sessions', name) || reader.has('checkpoints', name);
  for (const { name } of subdirectories) {
    if (LATER.has(name)) {
      const path = reader.show(join(directory, name));
      yield problem({ kind: 'sessions', path }, 'ignore', 'later_format');
    } else yield* readSessionDir(reader, join(directory, name), name, isOwned(name));
  }
  for (const elsewhere of reader.home.artifactDirs) yield* readArtifactsOf(reader, elsewhere);
}

async function* readCheckpoints(
  reader: HomeReader,
  directory: string,
  stems: Set<string>,
): AsyncGenerator<HomeEntry> {
  yield* readRecordDir(reader, {
    kind: 'checkpoints',
    check: checkpointCheck,
    idOf: sessionId,
    // The single slot of older versions goes by another name than its session.
    nameFits: (stem, id) => stem === id || stem === 'latest',
    goesFirst: (stem) => stem !== 'latest',
    version: 1,
    longTexts: true,
    directory,
    except: ['offline_queue.json'],
    ignoredAs: 'sessions',
    stems,
  });
  yield* readSingleFile(
    reader,
    { kind: 'offline_queue', check: offlineQueueCheck, version: 1 },
    join(directory, 'offline_queue.json'),
  );
}

async function* readSessionDir(
  reader: HomeReader,
  directory: string,
  id: string,
  isOwned: boolean,
): AsyncGenerator<HomeEntry> {
  const { entries, problems } = reader.list(directory, 'sessions');
  yield* problems;
  for (const entry of entries) {
    const { name } = entry;
    const path = join(directory, name);
    if (name === 'artifacts') yield* readArtifacts(reader, 'session', id, path, isOwned);
    else if (name === 'approval_receipts.jsonl') yield* readReceipts(reader, path, id, isOwned);
    else if (!name.endsWith('.lock')) {
      yield problem({ kind: 'sessions', path: reader.show(path) }, 'ignore', 'foreign_file');
    }
  }
}

async function* readReceipts(
  reader: HomeReader,
  file: string,
  id: string,
  isOwned: boolean,
): AsyncGenerator<HomeEntry> {
  yield* readLines(
    reader,
    {
      kind: 'approval_receipts',
      check: receiptCheck,
      newlineCommits: true,
      parent: id,
      orphan: isOwned ? undefined : 'receipt_without_session',
    },
    file,
  );
}

/** Artifacts were once written below the user's home even where CODEWHALE_HOME was elsewhere. */
async function* readArtifactsOf(reader: HomeReader, elsewhere: string): AsyncGenerator<HomeEntry> {
  const other = new HomeReader({ root: elsewhere, auditLogs: [], artifactDirs: [] }, reader.hooks);
  for (const { name } of other.list(elsewhere, 'sessions').entries) {
    if (!reader.has('sessions', name)) continue;
    const directory = join(elsewhere, name, 'artifacts');
    for await (const entry of readArtifacts(other, 'session', name, directory, true)) {
      yield { ...entry, ...('path' in entry ? { path: join(elsewhere, entry.path) } : {}) };
    }
  }
}

function sessionId(value: Record<string, unknown>): string {
  return (value['metadata'] as { id: string }).id.trim();
}
