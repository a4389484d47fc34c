import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { setupCli } from '../cli/run-cli.ts';

/** Runs the program where no file may become larger than 64 KiB; the store is larger, and only read. */
it('a copy that the system lets not grow is told of by its own name, and nothing of it stays', async () => {
  const cli = await setupCli();
  await cli.run('task', 'add', 'kept');
  const run = (...args: string[]) =>
    promisify(execFile)('bash', ['-c', `ulimit -f 64; ${cli.shellCommand(...args)}`], {
      env: cli.env,
      cwd: cli.folder,
    }).then(
      () => ({ code: 0, stderr: '' }),
      (error: unknown) => error as { code: number; stderr: string },
    );
  const before = readdirSync(cli.folder);
  const backup = await run('backup', 'copy.db');
  expect([backup.code, backup.stderr]).toEqual([
    1,
    `error: the backup ${join(cli.folder, 'copy.db')} cannot be written (EFBIG)\n`,
  ]);
  expect(readdirSync(cli.folder)).toEqual(before);
  expect((await cli.run('doctor')).code).toBe(0);
});
