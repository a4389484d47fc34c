import { join } from 'node:path';
import { expect, it } from 'vitest';
import { FileHub } from '../support/file-hub.ts';
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
  await a.store.tasks.handOver(task.id, deviceId);
  await a.store.automations.update(automation.id, { owner: deviceId });
  expect(await a.store.tasks.claim({ owner: 'worker of a', leaseMs: 60_000 })).toBeNull();
  await a.sync();
  await b.sync();
  expect((await claim())?.id).toBe(task.id);
  expect((await b.store.automations.due(later)).items).not.toEqual([]);
  expect((await a.store.automations.due(later)).items).toEqual([]);
});
