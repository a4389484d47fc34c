import { execFile } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

interface Tool {
  /** The Debian packages that hold it and what it needs beyond what every Debian has. */
  readonly packages: readonly string[];
  /** Where the first of them puts it. */
  readonly path: string;
}

const TRIPLET = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
const LIBRARIES = `usr/lib/${TRIPLET}`;

const tools = {
  caddy: { packages: ['caddy'], path: 'usr/bin/caddy' },
  strace: { packages: ['strace', 'libunwind8'], path: 'usr/bin/strace' },
  /** For LD_PRELOAD, with FAKETIME="+1d"; the program `faketime` finds it only where it is installed. */
  libfaketime: { packages: ['libfaketime'], path: `${LIBRARIES}/faketime/libfaketime.so.1` },
  /** For LD_PRELOAD, after `fiu_run_preload.so` beside it; the library of both is one folder up. */
  fiu: { packages: ['fiu-utils', 'libfiu0'], path: 'usr/lib/fiu/fiu_posix_preload.so' },
} satisfies Record<string, Tool>;

export type DebianTool = keyof typeof tools;

const CACHE = fileURLToPath(new URL('../../node_modules/.cache/debian-tools/', import.meta.url));
const run = promisify(execFile);

/**
 * The absolute path of a tool of Debian: the one that is installed, or else one from Debian's own
 * packages, fetched once into `node_modules/.cache`. It needs no root and changes nothing else.
 *
 * @throws Error it is not installed and cannot be fetched: never skip a test for that
 */
export async function debianTool(name: DebianTool): Promise<string> {
  const installed = `/${tools[name].path}`;
  return isReadable(installed) ? installed : fetchDebianTool(name);
}

/** The same, never the installed one. @param cache - a folder to keep it in */
export async function fetchDebianTool(name: DebianTool, cache = CACHE): Promise<string> {
  const tool: Tool = tools[name];
  const folder = join(cache, `${name}-${process.arch}`);
  if (!existsSync(folder)) await fetchPackages(name, tool, cache, folder);
  return join(folder, needsLauncher(tool) ? 'run' : tool.path);
}

/** A program that came with libraries; a library is for who loads it. */
function needsLauncher({ packages, path }: Tool): boolean {
  return packages.length > 1 && path.startsWith('usr/bin/');
}

async function fetchPackages(name: string, tool: Tool, cache: string, folder: string) {
  mkdirSync(cache, { recursive: true });
  const making = mkdtempSync(join(cache, 'making-'));
  try {
    const root = join(making, 'root');
    await download(tool.packages, making, root);
    if (!isReadable(join(root, tool.path))) throw new Error(`the package has no ${tool.path}`);
    if (needsLauncher(tool)) writeLauncher(root, tool.path, folder);
    // Another test file may have been quicker; what it made is the same.
    if (!existsSync(folder)) moveInto(root, folder);
  } catch (error) {
    throw new Error(`${name} cannot be had from Debian: ${String(error)}`, { cause: error });
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}

/** apt with folders of its own, so that nobody has to be root and nobody else is disturbed. */
async function download(packages: readonly string[], making: string, root: string): Promise<void> {
  const state = join(making, 'apt');
  for (const part of ['lists/partial', 'cache/archives/partial', 'debs']) {
    mkdirSync(join(state, part), { recursive: true });
  }
  const config = join(state, 'apt.conf');
  writeFileSync(config, aptConfig(state));
  const apt = (...args: string[]) =>
    run('apt-get', ['-q', '-c', config, ...args], {
      cwd: join(state, 'debs'),
      env: { ...process.env, LC_ALL: 'C' },
    });
  await apt('update');
  await apt('download', ...packages);
  for (const file of readdirSync(join(state, 'debs'))) {
    await run('dpkg-deb', ['-x', join(state, 'debs', file), root]);
  }
}

function aptConfig(state: string): string {
  // Debian's own sources only, where they have a file of their own: others may be slow or gone.
  const debian = '/etc/apt/sources.list.d/debian.sources';
  const sources = existsSync(debian)
    ? [`Dir::Etc::sourcelist "${debian}";`, 'Dir::Etc::sourceparts "-";']
    : [];
  return [
    `Dir::State "${state}";`,
    `Dir::State::lists "${state}/lists";`,
    'Dir::State::status "/dev/null";',
    `Dir::Cache "${state}/cache";`,
    ...sources,
    'Acquire::Languages "none";',
    'Acquire::Retries "3";',
    // The folders belong to us, so its own user could not write there.
    'APT::Sandbox::User "";',
    '#clear APT::Update;',
    '#clear DPkg;',
    '',
  ].join('\n');
}

/** A script that lets the program find the libraries that came with it, and only the program. */
function writeLauncher(root: string, path: string, folder: string): void {
  const script = `#!/bin/sh
exec /usr/bin/ld.so --library-path '${join(folder, LIBRARIES)}' '${join(folder, path)}' "$@"
`;
  writeFileSync(join(root, 'run'), script);
  chmodSync(join(root, 'run'), 0o755);
}

function moveInto(root: string, folder: string): void {
  try {
    renameSync(root, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  }
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
