import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Writes a file and the folders above it. */
export function writeBelow(folder: string, name: string, text: string): string {
  const file = join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

/** The config that `git clone` writes. */
export function clonedFrom(url: string): string {
  return (
    '[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n' +
    `[remote "origin"]\n\turl = ${url}\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n` +
    '[branch "main"]\n\tremote = origin\n\tmerge = refs/heads/main\n'
  );
}

/** A working tree as git lays it out, as far as it says where it comes from. */
export function gitRepository(folder: string, url: string): string {
  writeBelow(folder, '.git/HEAD', 'ref: refs/heads/main\n');
  writeBelow(folder, '.git/config', clonedFrom(url));
  return folder;
}
