import { createHash } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown, type OutputOptions, type RolldownOptions } from 'rolldown';

interface BuildOptions extends RolldownOptions {
  output: OutputOptions;
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Below node_modules, so that the compiled files find what they import. */
const CACHE = join(ROOT, 'node_modules', '.cache', 'codewhale-store');
/** Other runs may still use an old build; after this nobody does. */
const STALE_MS = 60 * 60 * 1000;

/**
 * The library and the program as the package has them, for child processes: `import(url)` gives what
 * `src/index.ts` exports. Each state of the sources is built once, whoever asks first.
 *
 * @returns the URL of the compiled `index.js`, the migrations beside it as in the package
 */
export async function builtLibrary(): Promise<string> {
  const sources = filesBelow('src').concat(filesBelow('migrations'));
  const hash = createHash('sha256').update(readFileSync(fileURLToPath(import.meta.url)));
  for (const file of ['package.json', 'rolldown.config.mjs', ...sources]) {
    hash.update(JSON.stringify([file, readFileSync(join(ROOT, file), 'utf8')]));
  }
  const folder = join(CACHE, hash.digest('hex').slice(0, 16));
  if (!existsSync(folder)) await build(folder);
  return pathToFileURL(join(folder, 'dist', 'index.js')).href;
}

async function build(folder: string): Promise<void> {
  mkdirSync(CACHE, { recursive: true });
  removeStale();
  const temporary = mkdtempSync(join(CACHE, 'making-'));
  copyFileSync(join(ROOT, 'package.json'), join(temporary, 'package.json'));
  cpSync(join(ROOT, 'migrations'), join(temporary, 'migrations'), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(temporary, 'node_modules'));
  const config = pathToFileURL(join(ROOT, 'rolldown.config.mjs')).href;
  const { default: options } = (await import(config)) as { default: BuildOptions };
  const bundle = await rolldown({ ...options, cwd: ROOT });
  await bundle.write({ ...options.output, dir: join(temporary, 'dist') });
  await bundle.close();
  try {
    renameSync(temporary, folder);
  } catch (error) {
    // Another test file was quicker; what it made is the same.
    rmSync(temporary, { recursive: true });
    if (!existsSync(folder)) throw error;
  }
}

function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|js|sql)$/.test(name))
    .map((name) => join(folder, name))
    .sort();
}

function removeStale(): void {
  for (const name of readdirSync(CACHE)) {
    const path = join(CACHE, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat && Date.now() - stat.mtimeMs > STALE_MS)
      rmSync(path, { recursive: true, force: true });
  }
}
