import { join } from 'node:path';
import { taskCheck, taskQueueCheck } from './check/task.ts';
import type { HomeEntry } from './home-entry.ts';
import type { HomeReader } from './home-reader.ts';
import { readArtifacts } from './read-artifacts.ts';
import { readSingleFile } from './read-json-file.ts';
import { readRecordDir } from './read-record-dir.ts';
import { reportStrays } from './report-strays.ts';

/** Reads tasks, their queue and their artifacts; not the runtime store, though it lies beside them. */
export async function* readTasks(reader: HomeReader, directory: string): AsyncGenerator<HomeEntry> {
  const known = ['tasks', 'artifacts', 'runtime', 'queue.json'];
  yield* reportStrays(reader, directory, 'tasks', known);
  const stems = new Set<string>();
  yield* readRecordDir(reader, {
    kind: 'tasks',
    check: taskCheck,
    idOf: (value) => value['id'] as string,
    version: 2,
    longTexts: true,
    directory: join(directory, 'tasks'),
    stems,
  });
  yield* readSingleFile(
    reader,
    { kind: 'task_queue', check: taskQueueCheck },
    join(directory, 'queue.json'),
  );
  const artifacts = join(directory, 'artifacts');
  const { entries, problems } = reader.list(artifacts, 'tasks');
  yield* problems;
  for (const entry of entries) {
    if (!entry.isDirectory()) continue;
    const { name } = entry;
    const isOwned = stems.has(name) || reader.has('tasks', name);
    yield* readArtifacts(reader, 'task', name, join(artifacts, name), isOwned);
  }
}
