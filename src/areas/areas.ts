import { Sessions } from './sessions.ts';
import type { Runner } from './runner.ts';

/** Everything that a store and a transaction of it can do, built over one runner. */
export interface Areas {
  readonly sessions: Sessions;
}

/** What a handle remembers between calls, shared by the store and its transactions. */
export class HandleMemory {
  readonly seenLeaves = new Map<string, string>();
}

export function buildAreas(runner: Runner, memory: HandleMemory): Areas {
  return {
    sessions: new Sessions(runner, memory.seenLeaves),
  };
}
