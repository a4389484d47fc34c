// In place of `node:zlib`: what other threads would do is done at once, so that no seed depends on them.
import { deflateRawSync, inflateRawSync, type ZlibOptions } from 'node:zlib';

export { deflateRawSync, inflateRawSync };

type Done = (error: Error | null, result: Buffer) => void;

export function deflateRaw(bytes: Buffer, options: ZlibOptions, done: Done): void {
  done(null, deflateRawSync(bytes, options));
}

export function inflateRaw(bytes: Buffer, done: Done): void {
  done(null, inflateRawSync(bytes));
}
