import Driver from 'libsql';
import { expect, it } from 'vitest';
import { expectIndexed, statementLog } from './support/query-plans.ts';
import { tempStore } from './support/temp-store.ts';

const SESSIONS = 10_000;
const TASKS = 50_000;
const EVENTS = 100_000;
const DAY = 86_400_000;
const NOW = Date.UTC(2026, 7, 20);

/** Fills the store by SQL: what matters here is how many rows the lists stand before. */
function fill(path: string): void {
  const driver = new Driver(path);
  const numbers = (count: number) =>
    `with recursive n (i) as (select 1 union all select i + 1 from n where i < ${count})`;
  const version = `'0'`;
  driver.exec(`
    begin;
    ${numbers(SESSIONS)} insert into sessions (id, device, title, workspace, model, created_at, updated_at,
      archived_at, deleted_at, message_count, body, title_version, archive_version, deleted_version,
      purge_version, details_version)
    select 's' || i, 'd', 'title ' || (i * 7919 % ${SESSIONS}), '/w/' || (i % 20), 'm', ${NOW} - i, ${NOW} - i * 60000,
      iif(i % 3 = 0, ${NOW}, null), iif(i % 50 = 0, ${NOW}, null), i % 100, '{}',
      ${version}, ${version}, ${version}, ${version}, ${version} from n;
    ${numbers(TASKS)} insert into tasks (id, device, prompt, status, attempt, owner, queued_at, workspace, model,
      created_at, updated_at, deleted_at, body, prompt_version, lifecycle_version, archive_version,
      deleted_version, purge_version, details_version)
    select 't' || i, 'd', 'prompt ' || i, iif(i % 5 = 0, 'failed', 'completed'), 1, 'd', i, '/w/' || (i % 20), 'm',
      ${NOW} - i * 1260000, ${NOW} - i * 1260000, iif(i % 50 = 0, ${NOW}, null), '{}',
      ${version}, ${version}, ${version}, ${version}, ${version}, ${version} from n;
    ${numbers(EVENTS)} insert into runtime_events (id, device, thread_id, seq, type, created_at, body)
    select 'e' || i, 'd', 'thr', i, 'item.delta', ${NOW} + i, '{"delta":"x"}' from n;
    ${numbers(EVENTS)} insert into audit_log (id, device, event, created_at, body)
    select 'a' || i, 'd', 'event.' || (i % 10), ${NOW} + i, '{}' from n;
    commit;`);
}

it('every list runs on an index, in its order, at 10,000 sessions, 50,000 tasks and 100,000 events', async () => {
  const log = statementLog();
  const store = await tempStore({ logger: log.logger, clock: () => NOW });
  await store.runtime.createThread({ id: 'thr', workspace: '/w/1', model: 'm', mode: 'agent' });
  fill(store.path);
  const since = new Date(NOW - 7 * DAY).toISOString();
  const until = new Date(NOW).toISOString();
  log.take();

  for (const archived of ['exclude', 'only', 'include'] as const) {
    for (const sort of ['updated', 'created', 'title', 'messages'] as const) {
      const page = await store.sessions.list({ archived, sort, limit: 50 });
      expect(page.items).toHaveLength(50);
      await store.sessions.list({ archived, sort, cursor: page.nextCursor });
    }
    await store.sessions.list({ archived, since, until });
    await store.sessions.list({ archived, workspace: '/w/3', since });
    await store.runtime.listThreads({ archived, workspace: '/w/1', since });
    await store.runtime.listThreads({ archived });
    await store.threads.list({ archived });
  }
  await store.sessions.list({ deleted: true });
  const failed = await store.tasks.list({ status: ['failed'], since, limit: 1000 });
  expect(failed.items.length).toBeGreaterThan(50);
  expect(failed.items.every((task) => task.status === 'failed' && task.updatedAt >= since)).toBe(
    true,
  );
  await store.tasks.list({ status: ['failed', 'canceled'], since, until });
  await store.tasks.list({ workspace: '/w/3' });
  await store.tasks.list({});
  await store.tasks.list({ deleted: true });
  await store.tasks.claim({ owner: 'w', leaseMs: 1000 });
  expect((await store.events.tail('thr', 100)).items).toHaveLength(100);
  expect((await store.events.since('thr', 99_990)).items).toHaveLength(10);
  await store.runtime.listTurns('thr');
  await store.jobs.list({ status: 'running' });
  await store.goals.list({ scope: 'thread' });
  await store.automations.list();
  await store.automations.due();
  await store.triggers.list();
  await store.checkpoints.list();
  await store.offlineQueue.list();
  expect((await store.audit.list({ event: 'event.3' })).items).toHaveLength(50);
  await store.audit.list({ since, until });

  const statements = log.take();
  expect(statements.length).toBeGreaterThan(50);
  expectIndexed(store.path, statements);
});
