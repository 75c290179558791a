/** Shells that can complete our command lines. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

// Each asks `captures __complete` (answers.ts says how) and does what the first line says.

const BASH = `# Completion of captures for bash: source <(captures completion bash)
_captures() {
  COMPREPLY=()
  local answer line manner=
  answer=$("\${1/#~/$HOME}" __complete bash "$COMP_WORDBREAKS" "\${COMP_LINE:0:COMP_POINT}" 2>/dev/null) || return 0
  while IFS= read -r line; do
    if [ -z "$manner" ]; then manner=$line; else COMPREPLY+=("$line"); fi
  done <<< "$answer"
  case $manner in
    open) compopt -o nospace ;;
    files) compopt -o default ;;
    programs) while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -c -- "$2") ;;
  esac 2>/dev/null
  return 0
}
complete -o nosort -F _captures captures 2>/dev/null || complete -F _captures captures
`;

const ZSH = `#compdef captures
# Completion of captures for zsh: source <(captures completion zsh)
_captures() {
  local -a before lines values
  local line manner
  (( CURRENT > 2 )) && before=("\${(@Q)words[2,CURRENT-1]}")
  lines=("\${(@f)$("\${words[1]/#\\~/$HOME}" __complete zsh "\${before[@]}" "\${(Q)PREFIX}" 2>/dev/null)}")
  manner=$lines[1]
  shift lines
  case $manner in
    files)
      compset -P '--[^=]#=' || compset -P '*='
      compset -P '(file|cnf):'
      _files
      return ;;
    programs)
      _command_names -e
      return ;;
  esac
  for line in "\${lines[@]}"; do
    values+=("\${\${\${line%%$'\\t'*}//\\\\/\\\\\\\\}//:/\\\\:}:\${line#*$'\\t'}")
  done
  (( $#values )) || return 1
  if [[ $manner == open ]]; then
    _describe -V 'captures' values -S ''
  else
    _describe -V 'captures' values
  fi
}
if [ "$funcstack[1]" = _captures ]; then
  _captures "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
  compdef _captures captures
fi
`;

const FISH = `# Completion of captures for fish: captures completion fish | source
function __captures_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l lines ($words[1] __complete fish $words[2..-1] "$current" 2>/dev/null)
    switch "$lines[1]"
        case files
            set -l lead (string match -r -- '^(?:--[^=]*=)?(?:(?:file|cnf):)?' "$current")
            printf '%s\\n' $lead(__fish_complete_path (string sub -s (math (string length -- "$lead") + 1) -- "$current"))
        case programs
            __fish_complete_command
        case '*'
            printf '%s\\n' $lines[2..-1]
    end
end
complete -c captures -f -k -a '(__captures_complete)'
`;

export const COMPLETION_SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: BASH,
  zsh: ZSH,
  fish: FISH,
};
