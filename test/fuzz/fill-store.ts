import type { Store } from '../../src/index.ts';

/** A little of everything that devices exchange. */
export async function fillStore(store: Store): Promise<void> {
  const session = await store.sessions.create({ title: 'loader work', workspace: '/w' });
  await store.sessions.appendMessages(session.id, [
    { role: 'user', content: 'why does the loader stop?' },
    { role: 'assistant', content: [{ type: 'text', text: 'out of memory '.repeat(500) }] },
  ]);
  await store.sessions.archive(session.id);
  const task = await store.tasks.create({ prompt: 'collect', workspace: '/w' });
  await store.tasks.cancel(task.id);
  const thread = await store.threads.upsert({
    id: 'thread-1',
    preview: 'p',
    modelProvider: 'm',
    cwd: '/w',
    source: 'interactive',
  });
  await store.threads.appendMessage(thread.id, { role: 'user', content: 'hello' });
  await store.jobs.upsert({ id: 'job-1', name: 'index', status: 'running' });
  await store.goals.upsert({ scope: 'thread', ownerId: thread.id, objective: 'finish' });
  const runtime = await store.runtime.createThread({
    workspace: '/w',
    model: 'auto',
    mode: 'agent',
  });
  await store.runtime.saveTurnWithItems(runtime.id, {
    turn: {},
    items: [
      { kind: 'agent_message', status: 'completed', summary: 'done', detail: 'x'.repeat(5000) },
    ],
  });
  await store.events.append(runtime.id, [{ type: 'note', payload: { text: 'begun' } }]);
  const automation = await store.automations.create({
    name: 'nightly',
    prompt: 'collect',
    rule: 'FREQ=HOURLY;INTERVAL=6',
  });
  await store.automations.runNow(automation.id);
  await store.audit.append({ event: 'credential.save', details: { provider: 'x' } });
}
