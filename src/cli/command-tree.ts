import type { Group } from './command.ts';
import { auditList } from './commands/audit-list.ts';
import { automationList, automationRuns, automationShow } from './commands/automation.ts';
import { completion } from './commands/completion.ts';
import { eventList } from './commands/event-list.ts';
import { exportStore } from './commands/export.ts';
import { hubInit } from './commands/hub-init.ts';
import { hubStart } from './commands/hub-start.ts';
import { hubToken } from './commands/hub-token.ts';
import { importHomes } from './commands/import.ts';
import { jobList } from './commands/job-list.ts';
import { path } from './commands/path.ts';
import {
  runtimeItem,
  runtimeItems,
  runtimeRestore,
  runtimeThreads,
  runtimeTurns,
} from './commands/runtime.ts';
import { search } from './commands/search.ts';
import {
  sessionChanges,
  sessionFork,
  sessionRename,
  sessionSetCurrent,
} from './commands/session-change.ts';
import { sessionList } from './commands/session-list.ts';
import { sessionBranches, sessionMessages, sessionShow } from './commands/session-show.ts';
import { stats } from './commands/stats.ts';
import { syncDisable, syncEnable, syncKey, syncNow } from './commands/sync.ts';
import { syncConflicts } from './commands/sync-conflicts.ts';
import { syncDevices } from './commands/sync-devices.ts';
import { syncParked, syncVerify } from './commands/sync-lists.ts';
import { syncStatus } from './commands/sync-status.ts';
import { syncWatch } from './commands/sync-watch.ts';
import { taskAdd, taskChanges, taskHandOver, taskShow } from './commands/task-change.ts';
import { taskList } from './commands/task-list.ts';
import { threadList, threadMessages, threadRestore, threadShow } from './commands/thread.ts';
import { backup, doctor, prune, purge, restore, vacuum } from './commands/upkeep.ts';

/** Every command of the program, in the order of the help. */
export const tree: readonly Group[] = [
  { commands: [importHomes, exportStore] },
  {
    name: 'session',
    summary: 'conversations of the terminal program, with their branches',
    commands: [
      sessionList,
      sessionShow,
      sessionMessages,
      sessionBranches,
      sessionSetCurrent,
      sessionRename,
      ...sessionChanges,
      sessionFork,
    ],
  },
  {
    name: 'thread',
    summary: 'threads of the app server',
    commands: [threadList, threadShow, threadMessages, threadRestore],
  },
  {
    name: 'runtime',
    summary: 'threads, turns and items of the runtime',
    commands: [runtimeThreads, runtimeTurns, runtimeItems, runtimeItem, runtimeRestore],
  },
  { name: 'event', summary: 'what happened in a runtime thread', commands: [eventList] },
  { name: 'job', summary: 'jobs of the app server', commands: [jobList] },
  {
    name: 'task',
    summary: 'tasks that workers take from a queue',
    commands: [taskList, taskShow, taskAdd, ...taskChanges, taskHandOver],
  },
  {
    name: 'automation',
    summary: 'tasks that are queued at set times',
    commands: [automationList, automationShow, automationRuns],
  },
  { name: 'audit', summary: 'what was approved, refused and changed', commands: [auditList] },
  {
    name: 'sync',
    summary: 'keep the store in step with your other machines',
    commands: [
      syncEnable,
      syncNow,
      syncWatch,
      syncStatus,
      syncVerify,
      syncDevices,
      syncConflicts,
      syncParked,
      syncKey,
      syncDisable,
    ],
  },
  {
    name: 'hub',
    summary: 'the server that devices sync through',
    commands: [hubStart, hubInit, hubToken],
  },
  { commands: [search, stats, doctor, backup, restore, prune, purge, vacuum, path, completion] },
];
