import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Below node_modules, so that the compiled files find what they import. */
const CACHE = join(ROOT, 'node_modules', '.cache', 'codewhale-store');
/** Other runs may still use an old build; after this nobody does. */
const STALE_MS = 60 * 60 * 1000;

/**
 * The library as plain JavaScript, for child processes: `import(url)` gives what `src/index.ts`
 * exports. Each state of the sources is compiled once, whoever asks first; types are not checked.
 *
 * @returns the URL of the compiled `index.js`, the migrations beside it as in the package
 */
export async function builtLibrary(): Promise<string> {
  const sources = filesBelow('src').concat(filesBelow('migrations'));
  const hash = createHash('sha256').update(readFileSync(fileURLToPath(import.meta.url)));
  const texts = new Map<string, string>();
  for (const file of sources) {
    const text = readFileSync(join(ROOT, file), 'utf8');
    texts.set(file, text);
    hash.update(JSON.stringify([file, text]));
  }
  const folder = join(CACHE, hash.digest('hex').slice(0, 16));
  if (!existsSync(folder)) build(folder, texts);
  return Promise.resolve(pathToFileURL(join(folder, 'dist', 'index.js')).href);
}

function build(folder: string, texts: ReadonlyMap<string, string>): void {
  mkdirSync(CACHE, { recursive: true });
  removeStale();
  const temporary = mkdtempSync(join(CACHE, 'making-'));
  writeFileSync(join(temporary, 'package.json'), '{ "type": "module" }');
  symlinkSync(join(ROOT, 'node_modules'), join(temporary, 'node_modules'));
  const compilerOptions = readOptions();
  for (const [file, text] of texts) {
    if (file.endsWith('.ts')) {
      const target = join(temporary, file.replace(/^src/, 'dist').replace(/\.ts$/, '.js'));
      write(target, ts.transpileModule(text, { compilerOptions, fileName: file }).outputText);
    } else {
      write(join(temporary, file), text);
    }
  }
  try {
    renameSync(temporary, folder);
  } catch (error) {
    // Another test file was quicker; what it made is the same.
    rmSync(temporary, { recursive: true });
    if (!existsSync(folder)) throw error;
  }
}

function readOptions(): ts.CompilerOptions {
  const read = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) => ts.sys.readFile(path));
  const host = { ...ts.sys, readDirectory: () => [] };
  const { options } = ts.parseJsonConfigFileContent(read.config, host, ROOT);
  // A file by itself does not tell that its package is a module.
  return { ...options, module: ts.ModuleKind.ESNext };
}

function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') || name.endsWith('.sql'))
    .map((name) => join(folder, name))
    .sort();
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function removeStale(): void {
  for (const name of readdirSync(CACHE)) {
    const path = join(CACHE, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat && Date.now() - stat.mtimeMs > STALE_MS)
      rmSync(path, { recursive: true, force: true });
  }
}
