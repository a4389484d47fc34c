import type { ChangeSignal } from '../db/change-signal.ts';
import { Audit } from './audit.ts';
import { Automations } from './automations.ts';
import { Checkpoints } from './checkpoints.ts';
import { Events } from './events.ts';
import { Goals } from './goals.ts';
import { Jobs } from './jobs.ts';
import { OfflineQueue } from './offline-queue.ts';
import type { Runner } from './runner.ts';
import { Runtime } from './runtime.ts';
import type { SeenLeaves } from './seen-leaves.ts';
import { Sessions } from './sessions.ts';
import { Tasks } from './tasks.ts';
import { Threads } from './threads.ts';
import { Triggers } from './triggers.ts';

/** Everything that a store and a transaction of it can do, built over one runner. */
export interface Areas {
  readonly audit: Audit;
  readonly automations: Automations;
  readonly checkpoints: Checkpoints;
  readonly events: Events;
  readonly goals: Goals;
  readonly jobs: Jobs;
  readonly offlineQueue: OfflineQueue;
  readonly runtime: Runtime;
  readonly sessions: Sessions;
  readonly tasks: Tasks;
  readonly threads: Threads;
  readonly triggers: Triggers;
}

/** @param changes - tells of writes by others; absent inside a transaction, where there are none */
export function buildAreas(runner: Runner, seen: SeenLeaves, changes?: ChangeSignal): Areas {
  return {
    audit: new Audit(runner),
    automations: new Automations(runner),
    checkpoints: new Checkpoints(runner),
    events: new Events(runner, changes),
    goals: new Goals(runner),
    jobs: new Jobs(runner),
    offlineQueue: new OfflineQueue(runner),
    runtime: new Runtime(runner),
    sessions: new Sessions(runner, seen),
    tasks: new Tasks(runner),
    threads: new Threads(runner),
    triggers: new Triggers(runner),
  };
}
