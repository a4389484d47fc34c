import { anywhere, optionsWithValue, type CompletionNode, type CompletionOption } from './nodes.ts';

export function fishScript(nodes: readonly CompletionNode[]): string {
  const nouns = nodes.filter((node) => node.words.length === 1).map((node) => node.words.join(''));
  return `# Completion of codewhale-store for fish.

# Prints the noun and the command before the cursor.
function __codewhale_store_at
    set -l at
    set -l skip no
    for word in (commandline -opc)[2..-1]
        if test $skip = yes
            set skip no
            continue
        end
        switch $word
            case ${optionsWithValue(nodes).join(' ')}
                set skip yes
            case '-*'
            case '*'
                if test (count $at) -eq 0; and contains -- $word ${nouns.join(' ')}
                    set -a at $word
                else if test (count $at) -eq 1
                    set -a at $word
                end
        end
    end
    echo "$at"
end

# Whether the cursor stands after these words; a command may have arguments already.
function __codewhale_store_after
    string match -q -- "$argv *" (__codewhale_store_at)" "
end

${[...anywhere.map((option) => line(flags(option))), ...nodes.flatMap(completions)].join('\n')}
`;
}

function completions({ words, next, options }: CompletionNode): string[] {
  const at = words.join(' ');
  // A noun's commands are offered right after it, a command's options anywhere behind.
  const right = `test (__codewhale_store_at) = "${at}"`;
  const behind = words.length === 0 ? right : `__codewhale_store_after ${at}`;
  return [
    ...next.map(({ word, summary }) => line(`-f -a ${word} -d ${quote(summary)}`, right)),
    ...options.map((option) => line(flags(option), behind)),
  ];
}

function flags({ word, summary, takesValue, choices }: CompletionOption): string {
  const value = choices.length > 0 ? ` -x -a '${choices.join(' ')}'` : takesValue ? ' -r' : '';
  return `-l ${word.slice(2)}${value} -d ${quote(summary)}`;
}

function line(what: string, condition?: string): string {
  const when = condition === undefined ? '' : `-n '${condition}' `;
  return `complete -c codewhale-store ${when}${what}`;
}

function quote(text: string): string {
  return `'${text.replace(/[\\']/g, (mark) => `\\${mark}`)}'`;
}
