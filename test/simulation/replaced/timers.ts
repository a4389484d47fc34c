// In place of `node:timers/promises`: the scheduler says when the code goes on.
import { control } from '../control.ts';

export { setTimeout } from 'node:timers/promises';

export function setImmediate(): Promise<void> {
  return control.pause();
}
