export { openStore, Store, type Logger, type StoreOptions } from './store.ts';
export { defaultPath } from './db/default-path.ts';
export type { Areas } from './areas/areas.ts';
export type { Page } from './areas/page.ts';
export * from './errors.ts';
export * from './model/audit.ts';
export * from './model/automation.ts';
export { withoutEscapes } from './model/escape-sequences.ts';
export * from './model/event.ts';
export * from './model/goal.ts';
export * from './model/job.ts';
export * from './model/local-document.ts';
export * from './model/runtime.ts';
export * from './model/session.ts';
export * from './model/task.ts';
export * from './model/thread.ts';
export * from './model/trigger.ts';
export * as hub from './hosting/hub.ts';
export type { IdKind } from './areas/resolve-id.ts';
export type { SearchHit, SearchOptions, SearchResult } from './areas/search.ts';
export type { EnableOptions } from './sync/enable-options.ts';
export type { Sync } from './sync/sync.ts';
export type { SyncReport } from './sync/sync-now.ts';
export type { Enabled } from './sync/enable.ts';
export type { Conflict, ParkedEntry } from './sync/listings.ts';
export type { RestoredConflict } from './sync/conflicts.ts';
export type { ExportedKey } from './sync/rotate-key.ts';
export type { SyncDevice, SyncFailure, SyncStatus } from './sync/status.ts';
export type { Progress as SyncProgress } from './sync/sync-once.ts';
export type { SyncNotice } from './sync/worker/notices.ts';
export type { Warned } from './sync/secret-warnings.ts';
export type { Digest, TableDigest } from './sync/verify.ts';
export { HomeNotFoundError } from './legacy/errors.ts';
export type { ExportProgress, ExportReport } from './transfer/export/export-report.ts';
export type { ExportOptions } from './transfer/export/export-store.ts';
export type { ImportOptions } from './transfer/import/import-homes.ts';
export type {
  ImportCounts,
  ImportProblem,
  ImportProgress,
  ImportReport,
} from './transfer/import/report.ts';
export {
  restoreStore,
  type BackupResult,
  type RestoreOptions,
  type RestoreResult,
} from './upkeep/backup.ts';
export type { Check, CheckResult } from './upkeep/check.ts';
export type { PruneOptions, PruneResult } from './upkeep/prune.ts';
export type { PurgeResult } from './upkeep/purge.ts';
export type { RepairProgress } from './upkeep/repair.ts';
export {
  rebuildStore,
  type RebuildOptions,
  type RebuildProgress,
  type RebuildResult,
  type SavedTable,
} from './upkeep/salvage.ts';
export type { Stats } from './upkeep/stats.ts';
export type { VacuumResult } from './upkeep/vacuum.ts';
