// In place of `node:crypto`: the same, but its random numbers follow from the seed.
import { control } from '../control.ts';

export * from 'node:crypto';

export function randomFillSync<T extends Uint8Array>(bytes: T): T {
  for (let i = 0; i < bytes.length; i++) bytes[i] = control.random.below(256);
  return bytes;
}

export function randomBytes(size: number): Buffer {
  return randomFillSync(Buffer.alloc(size));
}

export function randomUUID(): string {
  return randomBytes(16).toString('hex');
}
