import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { builtLibrary } from '../support/built-library.ts';
import { tempFolder } from '../support/temp-store.ts';

const CHILD = fileURLToPath(new URL('no-descriptors-child.mjs', import.meta.url));

it('a process that may open no further file gets errors of the store, and goes on', async () => {
  const limited = ['-c', 'ulimit -n 128; exec "$@"', 'sh', process.execPath, '--expose-gc', CHILD];
  const output = execFileSync('/bin/sh', [...limited, await builtLibrary(), tempFolder()]);
  const { said, sessions } = JSON.parse(String(output)) as {
    said: Record<string, string[]>;
    sessions: number;
  };
  const { first, ...calls } = said;
  expect(first).toEqual(['FILE_SYSTEM']);
  for (const [call, codes] of Object.entries(calls)) {
    const odd = codes.filter((code) => !/^([A-Z_]+|done)$/.test(code));
    expect([call, odd, codes.at(-1)]).toEqual([call, [], 'done']);
  }
  expect(sessions).toBe(1);
});
