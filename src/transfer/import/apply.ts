import { releaseOrphan, applyAudit, applyKept, keepRecord } from './apply-kept.ts';
import { applyEvent, applyItem, applyThread, applyTurn } from './apply-runtime.ts';
import { applySession } from './apply-sessions.ts';
import { applyCheckpoint, applyOfflineQueue } from './apply-slots.ts';
import {
  applyGoal,
  applyStateCheckpoint,
  applyStateJob,
  applyStateThread,
  applyStateTool,
  noteStateThread,
} from './apply-state.ts';
import {
  applyAutomation,
  applyRun,
  applyTask,
  applyTaskQueue,
  applyTrigger,
} from './apply-work.ts';
import { applyStateMessage } from './apply-state-message.ts';
import { claimId } from './claim-id.ts';
import { isAsExported } from './as-exported.ts';
import { isPurged } from './purged.ts';
import type { Apply } from './record.ts';

/** Where each kind goes; what is not here has no table and is kept word for word. */
const TABLES: ReadonlyMap<string, Apply> = new Map([
  ['sessions', applySession],
  ['checkpoints', applyCheckpoint],
  ['offline_queue', applyOfflineQueue],
  ['session_goals', applyGoal('session')],
  ['threads', applyThread],
  ['turns', applyTurn],
  ['items', applyItem],
  ['events', applyEvent],
  ['runtime_goals', applyGoal('runtime')],
  ['tasks', applyTask],
  ['task_queue', applyTaskQueue],
  ['automations', applyAutomation],
  ['automation_runs', applyRun],
  ['triggers', applyTrigger],
  ['audit', applyAudit],
  ['state.threads', applyStateThread],
  ['state.messages', applyStateMessage],
  ['state.thread_dynamic_tools', applyStateTool],
  ['state.checkpoints', applyStateCheckpoint],
  ['state.thread_goals', applyGoal('thread')],
  ['state.jobs', applyStateJob],
]);

/** Writes one record to where its kind belongs. */
export const applyRecord: Apply = (transaction, record, context) => {
  claimId(transaction, record, context);
  if (isPurged(transaction, record, context)) return 'unchanged';
  if (isAsExported(transaction, record, context)) {
    if (record.kind === 'state.threads') noteStateThread(record, context);
    return 'unchanged';
  }
  const apply = TABLES.get(record.kind);
  if (!apply) return applyKept(transaction, record, context);
  releaseOrphan(transaction, record, context);
  return apply(transaction, record, context);
};

/** Keeps a record whose parent exists nowhere, apart from the others. */
export const applyOrphan: Apply = (transaction, record, context) =>
  keepRecord(transaction, record, context, 'orphaned');
