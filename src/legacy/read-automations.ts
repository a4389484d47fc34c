import { join } from 'node:path';
import { automationCheck, automationRunCheck, triggerCheck } from './check/automation.ts';
import type { HomeEntry } from './home-entry.ts';
import { entryPath, type HomeReader } from './home-reader.ts';
import { problem } from './problem.ts';
import { readRecordDir } from './read-record-dir.ts';
import { reportStrays } from './report-strays.ts';

/** `20260705T142530123Z-`, which newer versions put before the id of a run. */
const STAMP = /^\d{8}T\d{9}Z-/;

/** Reads automations, their runs and triggers. */
export async function* readAutomations(
  reader: HomeReader,
  directory: string,
): AsyncGenerator<HomeEntry> {
  const known = ['automations', 'runs', 'triggers'];
  yield* reportStrays(reader, directory, 'automations', known);
  yield* readRecordDir(reader, {
    kind: 'automations',
    check: automationCheck,
    idOf: (value) => value['id'] as string,
    version: 1,
    directory: join(directory, 'automations'),
  });
  yield* readRuns(reader, join(directory, 'runs'));
  yield* readRecordDir(reader, {
    kind: 'triggers',
    check: triggerCheck,
    idOf: (value) => value['trigger_id'] as string,
    version: 1,
    directory: join(directory, 'triggers'),
  });
}

async function* readRuns(reader: HomeReader, directory: string): AsyncGenerator<HomeEntry> {
  const { entries, problems } = reader.list(directory, 'automation_runs');
  yield* problems;
  for (const entry of entries) {
    const path = entryPath(directory, entry);
    if (!entry.isDirectory()) {
      const where = { kind: 'automation_runs', path: reader.show(path) } as const;
      yield problem(where, 'ignore', 'foreign_file');
      continue;
    }
    yield* readRecordDir(reader, {
      kind: 'automation_runs',
      check: automationRunCheck,
      idOf: (value) => value['id'] as string,
      // A crash between writing the stamped file and removing the old one leaves both.
      nameFits: (stem, id) => stem.replace(STAMP, '') === id,
      goesFirst: (stem) => STAMP.test(stem),
      orphanOf: (run) =>
        reader.has('automations', run['automation_id']) ? undefined : 'run_without_automation',
      version: 1,
      directory: path,
      parent: entry.name,
    });
  }
}
