import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { onTestFinished } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * A script of the tests with the sources that it uses as one file that plain Node runs, gone after the
 * test. For what needs a process of its own and more of the library than the package gives.
 *
 * @param script - from the root of the project
 */
export async function builtScript(script: string): Promise<string> {
  // Below node_modules, so that it finds what it imports.
  const cache = join(ROOT, 'node_modules', '.cache', 'codewhale-store');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'script-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  // Two folders below, as in the package: the migrations are found from there.
  cpSync(join(ROOT, 'migrations'), join(folder, 'migrations'), { recursive: true });
  const file = join(folder, 'dist', 'shared', 'script.mjs');
  const build = await rolldown({
    input: join(ROOT, script),
    platform: 'node',
    external: ['libsql', '@libsql/client'],
  });
  await build.write({ file, format: 'esm', codeSplitting: false });
  await build.close();
  return file;
}
