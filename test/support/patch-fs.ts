import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { onTestFinished } from 'vitest';

type Functions = { -readonly [K in keyof typeof fs]: (typeof fs)[K] };

/** Puts a function in the place of one of `node:fs`, for all that import it, until the test ends. */
export function patchFs<K extends keyof Functions>(
  name: K,
  make: (real: Functions[K]) => Functions[K],
): void {
  const functions: Functions = fs;
  const real = functions[name];
  const put = (it: Functions[K]) => {
    functions[name] = it;
    syncBuiltinESMExports();
  };
  put(make(real));
  onTestFinished(() => {
    put(real);
  });
}
