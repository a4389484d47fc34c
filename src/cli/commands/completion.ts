import { bareCommand } from '../command.ts';
import { completionScript } from '../completion.ts';
import { choiceArgument } from '../parameters.ts';

export const completion = bareCommand({
  name: 'completion',
  summary: 'print a script that completes commands and options',
  details:
    'For good: bash: add `source <(codewhale-store completion bash)` to ~/.bashrc; ' +
    'zsh: the same with zsh, after compinit, to ~/.zshrc; ' +
    'fish: write it to ~/.config/fish/completions/codewhale-store.fish.',
  example: 'completion bash',
  args: { shell: choiceArgument('shell', 'for which shell', ['bash', 'zsh', 'fish']) },
  run: ({ out, tree }, { shell }) => {
    const script = completionScript(shell, tree);
    out.print({ shell, script }, () => script.trimEnd());
    return Promise.resolve();
  },
});
