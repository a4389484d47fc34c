import { expect } from 'vitest';

/** Together: a call that rejects while another one is still waited for would count as nobody's. */
export async function allRefused(calls: readonly Promise<unknown>[], code: string): Promise<void> {
  await Promise.all(calls.map((call) => expect(call).rejects.toMatchObject({ code })));
}
