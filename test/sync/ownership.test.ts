import { join } from 'node:path';
import { expect, it } from 'vitest';
import { FileHub } from '../support/file-hub.ts';
import { tellOf } from '../support/known-devices.ts';
import { syncDevice } from '../support/sync-device.ts';
import { tempFolder } from '../support/temp-store.ts';

it('work runs, ends and is recovered only on the device that owns it, until it is handed over', async () => {
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  const [a, b] = [await syncDevice('a', hub), await syncDevice('b', hub)];
  const task = await a.store.tasks.create({ prompt: 'do it' });
  const automation = await a.store.automations.create({
    name: 'hourly',
    prompt: 'look',
    rule: 'FREQ=HOURLY;INTERVAL=1',
  });
  const thread = await a.store.runtime.createThread({ workspace: '/w', model: 'm' });
  const turn = await a.store.runtime.startTurn(thread.id);
  await a.sync();
  await b.sync();

  const later = new Date(Date.now() + 2 * 3_600_000).toISOString();
  const claim = () => b.store.tasks.claim({ owner: 'worker of b', leaseMs: 60_000 });
  expect(await claim()).toBeNull();
  expect((await b.store.automations.due(later)).items).toEqual([]);
  expect(await b.store.runtime.recover()).toEqual([]);
  expect(await b.store.tasks.recover()).toEqual([]);
  await b.sync();
  await a.sync();
  expect((await a.store.runtime.getTurn(turn.id)).status).toBe('in_progress');
  expect((await a.store.tasks.get(task.id)).status).toBe('queued');

  const { deviceId } = await b.store.sync.status();
  await tellOf(a.database, deviceId);
  await a.store.tasks.handOver(task.id, deviceId);
  await a.store.automations.update(automation.id, { owner: deviceId });
  expect(await a.store.tasks.claim({ owner: 'worker of a', leaseMs: 60_000 })).toBeNull();
  await a.sync();
  await b.sync();
  expect((await claim())?.id).toBe(task.id);
  expect((await b.store.automations.due(later)).items).not.toEqual([]);
  expect((await a.store.automations.due(later)).items).toEqual([]);
});

async function pairWithTask() {
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db') });
  const [a, b] = [await syncDevice('a', hub), await syncDevice('b', hub)];
  const task = await a.store.tasks.create({ prompt: 'do it' });
  await a.sync();
  await b.sync();
  const idOfB = (await b.store.sync.status()).deviceId;
  const worker = { owner: 'worker', leaseMs: 60_000 };
  return { a, b, id: task.id, idOfB, worker };
}

it('a task that is queued once more was worked on then, on every device', async () => {
  const { a, b, id, idOfB } = await pairWithTask();
  await a.store.tasks.cancel(id);
  const again = await a.store.tasks.retry(id);
  const handed = await a.store.tasks.create({ prompt: 'old', createdAt: '2026-01-01T00:00:00Z' });
  await tellOf(a.database, idOfB);
  await a.store.tasks.handOver(handed.id, idOfB);
  await a.sync();
  await b.sync();
  expect(again.updatedAt > again.createdAt).toBe(true);
  for (const one of [id, handed.id]) {
    const { updatedAt } = await a.store.tasks.get(one);
    expect((await b.store.tasks.get(one)).updatedAt).toBe(updatedAt);
  }
  expect((await b.store.tasks.get(id)).updatedAt).toBe(again.updatedAt);
});

it('a worker whose task was given to another device meanwhile does not end that device’s run', async () => {
  const { a, b, id, idOfB, worker } = await pairWithTask();
  await a.store.tasks.claim(worker);
  await b.store.tasks.handOver(id, idOfB);
  await b.store.tasks.claim(worker);
  for (const one of [b, a]) await one.sync();

  const { tasks } = a.store;
  expect(await tasks.get(id)).toMatchObject({ status: 'running', owner: idOfB });
  await expect(tasks.heartbeat({ id, ...worker })).rejects.toMatchObject({ code: 'CONFLICT' });
  await expect(tasks.finish(id, { owner: 'worker' })).rejects.toMatchObject({ code: 'CONFLICT' });
  await b.store.tasks.finish(id, { owner: 'worker' });
  for (const one of [b, a]) await one.sync();
  expect(await tasks.get(id)).toMatchObject({ status: 'completed', owner: idOfB, attempt: 2 });
  // Its lease here ends one day, and nothing is wrong then.
  await a.database.write({ now: Date.now }, (transaction) =>
    transaction.run('update task_leases set expires_at = 1'),
  );
  const { checks } = await a.store.check();
  expect(checks.find(({ name }) => name === 'leases')).toMatchObject({ ok: true });
});

it('what runs on a device that is lost is taken over where somebody says that it is', async () => {
  const { a, b, id, idOfB, worker } = await pairWithTask();
  await a.store.tasks.claim(worker);
  for (const one of [a, b]) await one.sync();
  const { tasks } = b.store;
  await expect(tasks.handOver(id, idOfB)).rejects.toMatchObject({ code: 'CONFLICT' });

  const taken = await tasks.handOver(id, idOfB, { lost: true });

  expect(taken).toMatchObject({ status: 'queued', owner: idOfB, attempt: 2, startedAt: null });
  expect((await tasks.claim(worker))?.id).toBe(id);
  // Its own device can be asked: that is not lost.
  const own = tasks.handOver(id, 'another', { lost: true });
  await expect(own).rejects.toMatchObject({ code: 'CONFLICT' });
  // Should it come back, what it says of its run is too late.
  await a.store.tasks.finish(id, { owner: 'worker' });
  for (const one of [b, a, b]) await one.sync();
  expect(await tasks.get(id)).toMatchObject({ status: 'running', owner: idOfB, attempt: 2 });
});
