import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { builtLibrary } from '../../support/built-library.ts';
import { makeHubKey } from '../../support/hub-token.ts';
import { startSqld } from '../../support/sqld.ts';
import { tempFolder } from '../../support/temp-store.ts';

const run = promisify(execFile);

interface Ended {
  readonly code: number;
  readonly output: string;
}

// Row 34 of the fault matrix: tokens, keys and content in no output, also when all goes wrong.
describe('secrets', () => {
  it('are in no output of the program, whatever fails', async () => {
    const key = await makeHubKey();
    const sqld = await startSqld({ jwtKey: key.publicKey });
    const folder = tempFolder();
    const program = fileURLToPath(new URL('cli/main.js', await builtLibrary()));
    const content = 'canary-content-5e1c';
    const token = await key.token();
    const tokenFile = join(folder, 'hub.jwt');
    writeFileSync(tokenFile, token, { mode: 0o600 });
    const ended: Ended[] = [];
    const cli = async (...given: string[]) => {
      const all = ['--db', join(folder, 'store.db'), ...given];
      const result = await run(process.execPath, [program, ...all]).then(
        ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
        (error: unknown) => {
          const failed = error as { code: number; stdout: string; stderr: string };
          return { code: failed.code, output: failed.stdout + failed.stderr };
        },
      );
      ended.push(result);
      return result;
    };
    const failing = async (...given: string[]) => {
      expect((await cli(...given)).code, given.join(' ')).not.toBe(0);
    };
    const enabled = await cli('--json', 'sync', 'enable', sqld.url, '--token-file', tokenFile);
    const { keyPhrase } = JSON.parse(ended.pop()?.output ?? '') as { keyPhrase: string };
    expect(enabled.code).toBe(0);
    expect((await cli('task', 'add', content)).code).toBe(0);
    // It prints the prompt that it was given: that is its result.
    ended.pop();
    expect((await cli('sync', 'now')).code).toBe(0);
    await cli('--json', 'sync', 'status');
    await cli('sync', 'devices');
    const other = join(folder, 'other.key');
    writeFileSync(other, keyPhrase.split(' ').toReversed().join(' '), { mode: 0o600 });
    const db = ['--db', join(folder, 'b.db'), 'sync', 'enable'];
    await failing(...db, sqld.url, '--token-file', tokenFile, '--key-file', other);
    await failing(...db, sqld.url, '--token-file', tokenFile);
    await failing(...db, sqld.url.replace('//', `//user:${token}@`));
    await failing(...db, `${sqld.url}/?authToken=${token}`);
    writeFileSync(tokenFile, `${token.slice(0, -8)}AAAAAAAA`);
    await failing('sync', 'now');
    await failing('--json', 'sync', 'now');
    await cli('--json', 'sync', 'status');
    await sqld.stop();
    writeFileSync(tokenFile, token);
    await failing('sync', 'now');
    await cli('sync', 'status');
    expect(ended.length).toBeGreaterThan(10);
    const output = ended.map((one) => one.output).join('\n');
    const words = keyPhrase.split(' ');
    for (const secret of [token, token.slice(0, -8), token.slice(-40), content, keyPhrase]) {
      expect(output).not.toContain(secret);
    }
    expect(output).not.toContain(words.slice(0, 3).join(' '));
    expect(readFileSync(other, 'utf8')).not.toBe(keyPhrase);
  });
});
