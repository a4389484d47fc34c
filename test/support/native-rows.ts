import type { Store } from '../../src/index.ts';

const say = (role: string, text: string) => ({ role, content: [{ type: 'text', text }] });

/** Rows of every kind that the library makes; `name` goes into their texts and into ids of the caller's own. */
export async function makeNativeRows(store: Store, name: string): Promise<void> {
  const { sessions, runtime, threads } = store;
  const session = await sessions.create({ title: `work ${name}`, workspace: '/w' });
  await sessions.appendMessages(session.id, [say('user', 'ask'), say('assistant', 'answer')]);
  const branched = await sessions.create({ id: `ses.${name}:x~y`, workspace: '/w' });
  await sessions.appendMessages(branched.id, [say('user', 'ask'), say('assistant', 'one')]);
  const [first] = (await sessions.messages(branched.id)).items;
  // Twins: the same words twice below one message, and something below each.
  for (const more of ['below one', 'below the other']) {
    const twins = [say('assistant', 'twin'), say('user', more)];
    await sessions.appendMessages(branched.id, twins, { parent: first?.id ?? null });
  }
  await sessions.fork(branched.id);
  await store.checkpoints.save(session.id, { turn: 1 });
  await store.offlineQueue.save(session.id, { messages: [{ display: `later ${name}` }] });
  await store.goals.upsert({ scope: 'session', ownerId: session.id, objective: 'green' });

  const { id: threadId } = await runtime.createThread({
    id: `rt.${name}`,
    workspace: '/w',
    sessionId: branched.id,
  });
  const turn = await runtime.startTurn(threadId, { userItem: { detail: 'do it' } });
  await runtime.saveItem(turn.id, { kind: 'tool_call', detail: 'a\u0000b', metadata: { n: 1 } });
  await runtime.finishTurn(turn.id, { items: [{ kind: 'agent_message', detail: 'done' }] });
  const twice = { type: 'note', payload: { deep: [1, { a: null }] }, at: '2026-08-20T12:00:00Z' };
  await store.events.append(threadId, [twice, twice, { type: 'other', turnId: turn.id }]);
  await runtime.fork(threadId);
  const plain = await runtime.createThread({ workspace: '/w', model: 'auto', mode: 'agent' });
  await store.events.append(plain.id, [{ type: 'note', payload: { text: name } }]);
  await store.goals.upsert({ scope: 'runtime', ownerId: threadId, objective: 'green' });

  await store.tasks.create({ id: `task.${name}`, prompt: 'p', workspace: '/w', threadId });
  await store.tasks.create({ prompt: 'another', workspace: '/w', sessionId: branched.id });
  const automation = await store.automations.create({
    name: 'nightly',
    prompt: 'p',
    rule: 'FREQ=HOURLY',
  });
  await store.automations.runNow(automation.id);
  await store.triggers.create({ fireAt: '2027-01-01T00:00:00Z', message: 'wake' });
  for (let i = 0; i < 2; i++) await store.audit.append({ event: 'e', details: { name } });

  const thread = await threads.upsert({ id: `thread-${name}`, cwd: '/w', title: 'name' });
  const one = await threads.appendMessage(thread.id, { role: 'user', content: 'one' });
  await threads.appendMessage(thread.id, { role: 'assistant', content: 'two', item: { a: 1 } });
  await threads.forkAt(thread.id, one.id, { role: 'assistant', content: 'other two' });
  await threads.saveCheckpoint(thread.id, 'latest', { reason: 'x' });
  await threads.setTools(thread.id, [{ name: 't', inputSchema: { type: 'object' } }]);
  await store.goals.upsert({ scope: 'thread', ownerId: thread.id, objective: 'green' });
  await store.jobs.upsert({ id: `job-${name}`, name: 'j', details: { detail: 'text', more: 1 } });
}
