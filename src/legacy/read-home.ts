import { lstatSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { auditCheck } from './check/automation.ts';
import { sessionIndexCheck } from './check/session-side-files.ts';
import type { HomeEntry, ReadHooks } from './home-entry.ts';
import { HomeReader } from './home-reader.ts';
import { problem } from './problem.ts';
import { readAutomations } from './read-automations.ts';
import { readLines } from './read-lines.ts';
import { readRuntime } from './read-runtime.ts';
import { readSessions } from './read-sessions.ts';
import { readStateDb } from './read-state-db.ts';
import { readTasks } from './read-tasks.ts';
import type { LegacyHome } from './resolve-homes.ts';

/** Files are read synchronously, so others get a turn at least this often. */
const TURN_MS = 20;

/**
 * Reads a legacy home: every record, every record that is refused or has no parent, every file that
 * is none, parents before children. It changes nothing in the home, and bad data ends nothing: it
 * becomes a `problem`.
 */
export async function* readHome(home: LegacyHome, hooks: ReadHooks): AsyncGenerator<HomeEntry> {
  const reader = new HomeReader(home, hooks);
  let turnEndsAt = performance.now() + TURN_MS;
  for await (const entry of readAreas(reader)) {
    yield entry;
    if (performance.now() > turnEndsAt) {
      await setImmediate();
      turnEndsAt = performance.now() + TURN_MS;
    }
  }
}

async function* readAreas(reader: HomeReader): AsyncGenerator<HomeEntry> {
  const { home } = reader;
  if (home.stateDb !== undefined) yield* readStateDb(reader, home.stateDb);
  if (home.sessionIndex !== undefined) yield* readSessionIndex(reader, home.sessionIndex);
  if (home.sessionsDir !== undefined) yield* readSessions(reader, home.sessionsDir);
  if (home.runtimeDir !== undefined) yield* readRuntime(reader, home.runtimeDir);
  if (home.tasksDir !== undefined) yield* readTasks(reader, home.tasksDir);
  if (home.automationsDir !== undefined) yield* readAutomations(reader, home.automationsDir);
  for (const log of home.auditLogs) {
    yield* readLines(reader, { kind: 'audit', check: auditCheck, newlineCommits: false }, log);
  }
}

async function* readSessionIndex(reader: HomeReader, file: string): AsyncGenerator<HomeEntry> {
  yield* readLines(
    reader,
    {
      kind: 'session_index',
      check: sessionIndexCheck,
      newlineCommits: false,
      idOf: (value) => value['thread_id'] as string,
    },
    file,
  );
  const compacting = `${file}.compact`;
  if (lstatSync(compacting, { throwIfNoEntry: false }) !== undefined) {
    const where = { kind: 'session_index', path: reader.show(compacting) } as const;
    yield problem(where, 'ignore', 'temp_file');
  }
}
