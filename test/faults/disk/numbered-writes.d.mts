import type { Store } from '../../../src/index.ts';

export function write(store: Store, thread: string, n: number): Promise<unknown>;
