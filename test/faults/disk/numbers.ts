import { expect } from 'vitest';
import type { Store } from '../../../src/index.ts';

/**
 * The numbers of the writes that a store holds, in order. Fails where one is there in part: a turn
 * without its items or its event, a session without its messages, a task without its audit entry.
 */
export async function readNumbers(store: Store): Promise<number[]> {
  const [thread] = (await store.runtime.listThreads()).items;
  const found = thread ? await ofThread(store, thread.id) : [];
  const { items: sessions } = await store.sessions.list({ limit: 1000 });
  for (const { id, title } of sessions) {
    const { items: messages } = await store.sessions.messages(id);
    expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
    found.push(Number(title));
  }
  const tasks = (await store.tasks.list({ limit: 1000 })).items.map(({ prompt }) => Number(prompt));
  const { items: audits } = await store.audit.list({ limit: 1000 });
  const details = audits.map((entry) => (entry.details as { n: number }).n);
  expect(details.sort(byValue)).toEqual([...tasks].sort(byValue));
  const numbers = [...found, ...tasks].sort(byValue);
  expect(new Set(numbers).size).toBe(numbers.length);
  return numbers;
}

const byValue = (a: number, b: number) => a - b;

async function ofThread(store: Store, thread: string): Promise<number[]> {
  const { items: events } = await store.events.since(thread, 0, { limit: 4096 });
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1));
  const { items: turns } = await store.runtime.listTurns(thread, { limit: 1000 });
  for (const { id } of turns) {
    const { items } = await store.runtime.listItems(id);
    expect(items.map(({ detail }) => detail?.length)).toEqual([8, 100, 40_000]);
  }
  const parts = events.map(({ payload }) => payload as { n: number; part: number | 'turn' });
  const ofTurns = parts.flatMap(({ n, part }) => (part === 'turn' ? [n] : []));
  expect(ofTurns).toEqual(turns.map(({ inputSummary }) => Number(inputSummary)));
  const runs = parts.filter(({ part }) => part !== 'turn');
  const ofEvents = runs.flatMap(({ n, part }) => (part === 0 ? [n] : []));
  expect(runs).toEqual(ofEvents.flatMap((n) => [0, 1, 2].map((part) => ({ n, part }))));
  return [...ofTurns, ...ofEvents];
}

/** Fails unless the numbers are 0, 1, 2 … without a gap. Returns how many there are. */
export function countOf(numbers: readonly number[]): number {
  expect(numbers).toEqual(numbers.map((_, i) => i));
  return numbers.length;
}
