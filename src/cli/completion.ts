import type { Group } from './command.ts';
import { fishScript } from './completion/fish.ts';
import { bashScript, zshScript } from './completion/bash-and-zsh.ts';
import { completionNodes } from './completion/nodes.ts';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

/** A script for the shell that completes everything in the tree. */
export function completionScript(shell: keyof typeof SCRIPTS, tree: readonly Group[]): string {
  return SCRIPTS[shell](completionNodes(tree));
}
