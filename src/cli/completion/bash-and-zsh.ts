import { anywhere, optionsWithValue, type CompletionNode, type CompletionWord } from './nodes.ts';

/**
 * The function that both shells understand: prints what may stand in the place of its first
 * argument after the words that are its other arguments.
 */
function candidates(nodes: readonly CompletionNode[]): string {
  const places = nodes.filter((node) => node.words.length > 0).map((node) => quote(node.words));
  const values = nodes.flatMap((node) =>
    node.options
      .filter((option) => option.choices.length > 0)
      .map((option) => branch([...node.words, option.word], option.choices)),
  );
  const options = nodes
    .filter((node) => node.options.length > 0)
    .map((node) => branch(node.words, spelled(node.options)));
  const next = nodes
    .filter((node) => node.next.length > 0)
    .map((node) => branch(node.words, spelled(node.next)));
  return `_codewhale_store_candidates() {
  local current=$1 at='' option='' word=''
  shift
  for word in "$@"; do
    if [[ -n $option ]]; then
      option=''
      continue
    fi
    case $word in
      ${optionsWithValue(nodes).join('|')}) option=$word ;;
      -*) ;;
      *)
        case "$at $word" in
          ${places.join('|')}) at="$at $word" ;;
        esac
        ;;
    esac
  done
  if [[ -n $option ]]; then
    case "$at $option" in
      ${values.join('\n      ')}
    esac
  elif [[ $current == -* ]]; then
    echo '${spelled(anywhere).join(' ')}'
    case "$at" in
      ${options.join('\n      ')}
    esac
  else
    case "$at" in
      ${next.join('\n      ')}
    esac
  fi
}`;
}

function branch(words: readonly string[], offered: readonly string[]): string {
  return `${quote(words)}) echo '${offered.join(' ')}' ;;`;
}

function spelled(words: readonly CompletionWord[]): string[] {
  return words.map((one) => one.word);
}

/** Words as the function joins them: each after a blank. */
function quote(words: readonly string[]): string {
  return `'${words.map((word) => ` ${word}`).join('')}'`;
}

export function bashScript(nodes: readonly CompletionNode[]): string {
  return `# Completion of codewhale-store for bash.
${candidates(nodes)}

_codewhale_store() {
  local current=\${COMP_WORDS[COMP_CWORD]} found
  found=$(_codewhale_store_candidates "$current" "\${COMP_WORDS[@]:1:COMP_CWORD-1}")
  COMPREPLY=($(compgen -W "$found" -- "$current"))
}

# Where nothing is known, names of files.
complete -o default -F _codewhale_store codewhale-store
`;
}

export function zshScript(nodes: readonly CompletionNode[]): string {
  return `#compdef codewhale-store
# Completion of codewhale-store for zsh.
${candidates(nodes)}

_codewhale_store() {
  local found
  found=$(_codewhale_store_candidates "\${words[CURRENT]}" "\${(@)words[2,CURRENT-1]}")
  # Where nothing is known, names of files.
  if [[ -z $found ]] || ! compadd -- \${=found}; then
    _files
  fi
}

if [[ $funcstack[1] == _codewhale_store ]]; then
  _codewhale_store "$@"
else
  compdef _codewhale_store codewhale-store
fi
`;
}
