import type { Operation } from './hunt.mjs';

export const SCENARIOS: Readonly<Record<string, readonly Operation[]>>;
