import { join } from 'node:path';
import {
  agentMailCheck,
  eventCheck,
  itemCheck,
  runtimeGoalCheck,
  runtimeOwnerCheck,
  runtimeStateCheck,
  threadCheck,
  turnCheck,
} from './check/runtime.ts';
import type { HomeEntry } from './home-entry.ts';
import { classifyName, entryPath, type HomeReader } from './home-reader.ts';
import type { OrphanReason } from './kinds.ts';
import { problem } from './problem.ts';
import { readSingleFile } from './read-json-file.ts';
import { readLines } from './read-lines.ts';
import { readRecordDir } from './read-record-dir.ts';
import { reportStrays } from './report-strays.ts';

/** Reads the runtime store: parents before children, event logs last. */
export async function* readRuntime(
  reader: HomeReader,
  directory: string,
): AsyncGenerator<HomeEntry> {
  yield* reportStrays(reader, directory, 'runtime_state', [
    'threads',
    'turns',
    'items',
    'events',
    'goals',
    'agent-mail',
    'state.json',
    'owner.json',
  ]);
  const idOf = (value: Record<string, unknown>) => value['id'] as string;
  yield* readRecordDir(reader, {
    kind: 'threads',
    check: threadCheck,
    idOf,
    version: 2,
    longTexts: true,
    directory: join(directory, 'threads'),
  });
  yield* readRecordDir(reader, {
    kind: 'turns',
    check: turnCheck,
    idOf,
    version: 2,
    longTexts: true,
    directory: join(directory, 'turns'),
    orphanOf: (turn, id) => {
      if (reader.has('threads', turn['thread_id'])) return undefined;
      reader.orphanTurns.add(id);
      return 'turn_without_thread';
    },
  });
  yield* readRecordDir(reader, {
    kind: 'items',
    check: itemCheck,
    idOf,
    version: 2,
    longTexts: true,
    directory: join(directory, 'items'),
    orphanOf: (item) => orphanOfItem(reader, item['turn_id'] as string),
  });
  yield* readRecordDir(reader, {
    kind: 'runtime_goals',
    check: runtimeGoalCheck,
    idOf: (value) => value['thread_id'] as string,
    directory: join(directory, 'goals'),
  });
  yield* readRecordDir(reader, {
    kind: 'agent_mail',
    check: agentMailCheck,
    idOf: (value) => value['message_id'] as string,
    version: 1,
    directory: join(directory, 'agent-mail'),
  });
  yield* readSingleFile(
    reader,
    { kind: 'runtime_owner', check: runtimeOwnerCheck },
    join(directory, 'owner.json'),
  );
  yield* readEvents(reader, join(directory, 'events'));
  yield* readSingleFile(
    reader,
    { kind: 'runtime_state', check: runtimeStateCheck, version: 2 },
    join(directory, 'state.json'),
  );
}

function orphanOfItem(reader: HomeReader, turnId: string): OrphanReason | undefined {
  if (reader.orphanTurns.has(turnId)) return 'item_of_orphan_turn';
  return reader.has('turns', turnId) ? undefined : 'item_without_turn';
}

async function* readEvents(reader: HomeReader, directory: string): AsyncGenerator<HomeEntry> {
  const { entries, problems } = reader.list(directory, 'events');
  yield* problems;
  for (const entry of entries) {
    const path = entryPath(directory, entry);
    const what = classifyName(entry, '.jsonl');
    if (what !== 'record') {
      if (what !== undefined) {
        yield problem({ kind: 'events', path: reader.show(path) }, 'ignore', what);
      }
      continue;
    }
    // A log belongs to the thread of its name, whatever its lines say.
    const thread = entry.name.slice(0, -'.jsonl'.length);
    yield* readLines(
      reader,
      {
        kind: 'events',
        check: eventCheck,
        newlineCommits: true,
        parent: thread,
        orphan: reader.has('threads', thread) ? undefined : 'events_without_thread',
        anomalyOf: (event) =>
          event['thread_id'] === thread ? undefined : 'thread_id_filename_mismatch',
        longTexts: true,
        noteEmpty: true,
      },
      path,
    );
  }
}
