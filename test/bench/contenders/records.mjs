// The records that every contender holds. What a search looks for stands in 20 of the messages.
export const SESSIONS = 10_000;
export const NEWEST = 50;
export const EVENTS = 20_000;
export const BATCH = 1000;
export const WORD = 'thalassocracy';
export const HITS = 20;

const NOW = Date.UTC(2026, 7, 20, 12);

export function session(i) {
  const updatedAt = NOW - ((i * 7919) % SESSIONS) * 60_000;
  const text = (n) => `${n} of ${i}: ${'why is the loader slow? '.repeat(20)}`;
  const rare = i % (SESSIONS / HITS) === 7 ? ` ${WORD}` : '';
  return {
    id: `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`,
    title: `session ${i}`,
    workspace: `/w/${i % 20}`,
    model: 'm',
    updatedAt,
    messages: [
      { role: 'user', text: text(0) },
      { role: 'assistant', text: text(1) + rare },
    ],
  };
}

export const sessions = () => Array.from({ length: SESSIONS }, (_, i) => session(i));

/** An event of about 250 bytes. */
export function event(i) {
  return {
    type: 'item.delta',
    payload: {
      delta: `event ${i} ${'words of an answer '.repeat(11)}`,
      kind: 'agent_message',
    },
  };
}

/** Events in lists as large as one transaction. */
export function batches(count = EVENTS) {
  return Array.from({ length: Math.ceil(count / BATCH) }, (_, b) =>
    Array.from({ length: Math.min(BATCH, count - b * BATCH) }, (_, i) => event(b * BATCH + i)),
  );
}

/** As long as a ULID. */
export const idOf = (number) => `N${String(number).padStart(25, '0')}`;
