import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { StoreError, type Store } from '../../src/index.ts';
import { FileHub } from '../support/file-hub.ts';
import { syncDevice, type SyncDevice } from '../support/sync-device.ts';
import { tempFolder } from '../support/temp-store.ts';

/** What somebody does, what a machine does by itself, or an exchange; `n` says the rest. */
interface Step {
  readonly kind: 'decide' | 'routine' | 'sync';
  readonly device: number;
  readonly n: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('decide', 'routine', 'routine', 'sync'),
  device: fc.nat(2),
  n: fc.nat(59),
});

const RUNS = Number(process.env['DECISION_RUNS'] ?? 5);
/** By how much the clock of each device is off, milliseconds. */
const SKEWS = [0, -90_001, 37];
const STEP_MS = 20 * 60_000;
const WORKER = { owner: 'w', leaseMs: 24 * 3_600_000 };

interface World {
  readonly devices: readonly SyncDevice[];
  readonly ids: readonly string[];
  readonly automation: string;
  readonly session: string;
  readonly thread: string;
  readonly runtime: string;
  readonly task: string;
}

/** Three devices that have the same of each kind, and clocks that go on with each step. */
async function setup(clock: { now: number }): Promise<World> {
  const hub = new FileHub({ path: join(tempFolder(), 'hub.db'), now: () => clock.now });
  const devices: SyncDevice[] = [];
  for (const [i, skew] of SKEWS.entries()) {
    devices.push(await syncDevice(`d${i}`, hub, { now: () => clock.now + skew }));
  }
  const { store } = devices[0] as SyncDevice;
  const rule = 'FREQ=HOURLY;INTERVAL=1';
  const { id: automation } = await store.automations.create({ name: 'n', prompt: 'p', rule });
  const { id: session } = await store.sessions.create({ workspace: '/w' });
  await store.goals.upsert({ scope: 'session', ownerId: session, objective: 'o' });
  const { id: thread } = await store.threads.upsert({ cwd: '/w' });
  const { id: runtime } = await store.runtime.createThread({
    workspace: '/w',
    model: 'm',
    mode: '0',
  });
  const { id: task } = await store.tasks.create({ prompt: 'p' });
  await store.tasks.claim(WORKER);
  await meet(devices);
  const states = await Promise.all(devices.map((one) => one.store.sync.status()));
  const ids = states.map(({ deviceId }) => deviceId);
  return { devices, ids, automation, session, thread, runtime, task };
}

async function meet(devices: readonly SyncDevice[]): Promise<void> {
  for (const one of [...devices, ...devices, ...devices]) await one.sync();
}

/** What is refused (a goal that was deleted, an automation that is paused) is no matter. */
async function attempt(job: () => Promise<unknown>): Promise<void> {
  await job().catch((error: unknown) => {
    if (!(error instanceof StoreError)) throw error;
  });
}

function decide(world: World, store: Store, n: number): Promise<unknown> {
  const { automation, session, thread, runtime, task, ids } = world;
  const goal = { scope: 'session', ownerId: session } as const;
  const rule = `FREQ=CRON;EXPR=${n} * * * *`;
  const choices = [
    () => store.automations.pause(automation),
    () => store.automations.resume(automation),
    () => store.automations.update(automation, { rule }),
    () => store.automations.update(automation, { catchUp: n % 2 ? 'all' : 'skip' }),
    () => store.automations.update(automation, { owner: ids[n % ids.length] }),
    () => store.goals.upsert({ ...goal, objective: `o${n}`, status: n % 2 ? 'paused' : 'active' }),
    () => store.goals.delete('session', session),
    () => store.threads.archive(thread),
    () => store.threads.unarchive(thread),
    () => store.runtime.updateThread(runtime, { mode: String(n) }),
    () => store.tasks.cancel(task),
  ];
  return (choices[n % choices.length] as () => Promise<unknown>)();
}

function routine(world: World, { store, name }: SyncDevice, n: number): Promise<unknown> {
  const { automation, session, thread, runtime, task } = world;
  const choices = [
    async () => {
      for (const { slot } of (await store.automations.due()).items) {
        await store.automations.recordRun({ automationId: automation, slot });
      }
    },
    () => store.goals.addUsage('session', session, { tokens: n }),
    () => store.threads.upsert({ id: thread, status: n % 2 ? 'running' : 'idle' }),
    async () => {
      const turn = await store.runtime.startTurn(runtime);
      await store.runtime.finishTurn(turn.id, { status: 'completed' });
    },
    async () => {
      if (name === 'd0') await store.tasks.update(task, { details: { progress: n } });
    },
  ];
  return (choices[n % choices.length] as () => Promise<unknown>)();
}

/** What people have decided, as a device has it. */
async function decided({ store }: SyncDevice, world: World) {
  const { status, rule, catchUp, owner } = await store.automations.get(world.automation);
  const goals = (await store.goals.list({ scope: 'session' })).items;
  return {
    automation: { status, rule, catchUp, owner: world.ids.indexOf(owner) },
    goals: goals.map((goal) => ({ objective: goal.objective, status: goal.status })),
    archived: (await store.threads.get(world.thread)).archived,
    mode: (await store.runtime.getThread(world.runtime)).mode,
    toStop: 'cancel_requested' in (await store.tasks.get(world.task)).details,
  };
}

async function play(steps: readonly Step[], withRoutine: boolean) {
  const clock = { now: Date.parse('2026-08-18T08:30:00Z') };
  const world = await setup(clock);
  for (const { kind, device, n } of steps) {
    clock.now += STEP_MS;
    const one = world.devices[device] as SyncDevice;
    if (kind === 'sync') await one.sync();
    if (kind === 'decide') await attempt(() => decide(world, one.store, n));
    if (kind === 'routine' && withRoutine) await attempt(() => routine(world, one, n));
  }
  await meet(world.devices);
  const outcomes = await Promise.all(world.devices.map((one) => decided(one, world)));
  for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0]);
  await expectLatestTurn(world);
  return outcomes[0];
}

/** Of turns that began apart at one place either may be the latest. */
async function expectLatestTurn({ devices, runtime }: World): Promise<void> {
  for (const { database } of devices) {
    const later = await database.read((reader) =>
      reader.rows(
        `select u.id from runtime_threads t join runtime_turns latest on latest.id = t.latest_turn_id
         join runtime_turns u on u.thread_id = t.id and u.position > latest.position where t.id = ?`,
        [runtime],
      ),
    );
    expect(later).toEqual([]);
  }
}

it('what people decide is the same whatever machines note between, heard of or not', async () => {
  const steps = fc.array(step, { minLength: 20, maxLength: 45, size: 'max' });
  const property = fc.asyncProperty(steps, async (list) => {
    expect(await play(list, true)).toEqual(await play(list, false));
  });
  await fc.assert(property, { numRuns: RUNS, endOnFailure: true });
});
