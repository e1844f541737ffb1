// `ebb completion`: the scripts that shells load.
#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/complete.h"

namespace ebb::cli {

namespace {

constexpr std::string_view kBash = R"(# Completion of ebb for bash: source <(ebb completion bash)
_ebb() {
  local IFS=$'\n' line files= current=${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  for line in $("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null); do
    if [[ $line == ":files" ]]; then files=1; else COMPREPLY+=("${line%%$'\t'*}"); fi
  done
  if [[ -n $files ]]; then
    compopt -o filenames
    COMPREPLY+=($(compgen -f -- "$current"))
  fi
}
complete -F _ebb ebb
)";

constexpr std::string_view kZsh = R"(#compdef ebb
# Completion of ebb for zsh: source <(ebb completion zsh)
_ebb() {
  local -a found
  local line files=
  for line in "${(@f)$(${words[1]} __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ $line == ":files" ]]; then
      files=1
    elif [[ -n $line ]]; then
      found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    fi
  done
  (( $#found )) && _describe 'ebb' found
  [[ -n $files ]] && _files
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _ebb "$@"; else compdef _ebb ebb; fi
)";

constexpr std::string_view kFish = R"(# Completion of ebb for fish: ebb completion fish | source
function __ebb_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in ($words[1] __complete $words[2..-1] "$current" 2>/dev/null)
        if test "$line" = ":files"
            __fish_complete_path "$current"
        else
            echo $line
        end
    end
end
complete -c ebb -f -a '(__ebb_complete)'
)";

}  // namespace

std::string_view completion_script(std::string_view shell) {
  if (shell == "bash") return kBash;
  if (shell == "zsh") return kZsh;
  if (shell == "fish") return kFish;
  return {};
}

void add_completion(CLI::App& app, Context& context) {
  CLI::App* const command = plain_command(app, "completion",
                                          {.summary = "Print the completion script of a shell.",
                                           .details = "It completes commands, options, endpoints and models.",
                                           .example = "  source <(ebb completion bash)                                    in ~/.bashrc\n"
                                                      "  source <(ebb completion zsh)                                     in ~/.zshrc, after compinit\n"
                                                      "  ebb completion fish > ~/.config/fish/completions/ebb.fish"});
  // Shared with the callback, which the app keeps.
  const auto shell = std::make_shared<std::string>();
  command->add_option("shell", *shell, "Which shell")->check(CLI::IsMember({"bash", "zsh", "fish"}).description(""))->type_name("bash|zsh|fish")->required();
  command->callback([&context, shell] {
    context.action = [&context, shell] {
      context.out.write(completion_script(*shell));
      return kExitOk;
    };
  });
}

}  // namespace ebb::cli
