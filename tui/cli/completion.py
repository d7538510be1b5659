"""Shell completion: the scripts for bash, zsh and fish, and the answers to each of them.

The protocol is click's, the scripts are our own: bash breaks words at ``:`` and ``=``, which occur in names of models
and parameters, and none of click's scripts supports a candidate that is continued after it was taken. The candidates
themselves are in `tui.cli.candidates`.
"""

import os
from typing import ClassVar, Literal

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    split_arg_string,
)

from tui import COMPLETION

PROGRAM = "fvp-tui"
Shell = Literal["bash", "zsh", "fish"]
SHELLS: tuple[Shell, ...] = ("bash", "zsh", "fish")

BREAKS = ":="
"""Characters, besides blanks, at which bash ends a word, and which occur in our values."""

_BASH = r"""
# fvp-tui, completion for bash 4.4 and newer. For this shell: source <(fvp-tui completion bash)
# For all: fvp-tui completion bash > ~/.local/share/bash-completion/completions/fvp-tui
# (or, without the package bash-completion, append the line with source to ~/.bashrc)

%(complete_func)s() {
    local IFS=$'\n' kind value
    COMPREPLY=()
    while IFS=, read -r kind value; do
        case $kind in
            file) compopt -o default 2>/dev/null ;;
            dir) compopt -o dirnames 2>/dev/null ;;
            nospace) compopt -o nospace 2>/dev/null; COMPREPLY+=("$value") ;;
            plain) COMPREPLY+=("$value") ;;
        esac
    done < <(env COMP_LINE="${COMP_LINE:0:${COMP_POINT:-0}}" COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD="$COMP_CWORD" \
        %(complete_var)s=bash_complete "${1:-%(prog_name)s}" 2>/dev/null)
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""

_ZSH = r"""#compdef %(prog_name)s
# fvp-tui, completion for zsh. For this shell, after compinit: source <(fvp-tui completion zsh)
# For all: fvp-tui completion zsh > FOLDER/_fvp-tui, with a folder of your $fpath, and start zsh anew.

%(complete_func)s() {
    local kind value help
    local -a response described plain unspaced
    response=("${(@f)$(env COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT - 1)) \
        %(complete_var)s=zsh_complete %(prog_name)s 2>/dev/null)}")
    for kind value help in ${response}; do
        case $kind in
            file) [[ $PREFIX == --*=* ]] && compset -P '*='; _path_files -f ;;
            dir) _path_files -/ ;;
            nospace) unspaced+=("$value") ;;
            plain) if [[ $help == _ ]]; then plain+=("$value"); else described+=("$value:$help"); fi ;;
        esac
    done
    (( $#described )) && _describe -V unsorted described -U
    (( $#plain )) && compadd -U -V unsorted -a plain
    (( $#unspaced )) && compadd -U -V unsorted -S '' -a unspaced
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"  # read from $fpath: this file is the function
else
    compdef %(complete_func)s %(prog_name)s
fi
"""

_FISH = r"""
# fvp-tui, completion for fish. For this shell: fvp-tui completion fish | source
# For all: fvp-tui completion fish > ~/.config/fish/completions/fvp-tui.fish

function %(complete_func)s
    for answer in (env COMP_WORDS=(commandline -cp | string collect) COMP_CWORD=(commandline -ct | string collect) \
            %(complete_var)s=fish_complete %(prog_name)s 2>/dev/null)
        set -l found (string split -m 1 , -- $answer)
        switch $found[1]
            case file
                __fish_complete_path $found[2]
            case dir
                __fish_complete_directories $found[2]
            case '*'
                echo $found[2]
        end
    end
end

complete --no-files --command %(prog_name)s --arguments '(%(complete_func)s)'
"""


class _WholeWords(ShellComplete):
    """The base of all three shells."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        """Return whole words: put ``--option=`` before a value that was typed so, which click completes alone."""
        name, sign, _ = incomplete.partition("=")
        items = super().get_completions(args, incomplete)
        if sign and name.startswith("--"):
            for item in items:
                item.value = f"{name}{sign}{item.value}"
        return items


class _Bash(_WholeWords, BashComplete):
    source_template: ClassVar[str] = _BASH.lstrip()

    def source(self) -> str:
        """Return the script, whatever bash is installed here: it may be for another machine."""
        return ShellComplete.source(self)

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the cursor, and the part of a word at it. Those of bash itself are broken."""
        if line := os.environ.get("COMP_LINE", ""):
            words = split_arg_string(line)
            incomplete = "" if line[-1].isspace() and not line.endswith("\\ ") else words.pop()
            return words[1:], incomplete
        words, at = _words_of_bash()
        *before, incomplete = _joined([*words[:at], words[at] if at < len(words) else ""])
        return before[1:], incomplete

    def complete(self) -> str:
        """Return candidates without the part that bash keeps: it replaces only its own last word."""
        arguments, incomplete = self.get_completion_args()
        words, at = _words_of_bash()
        kept = _kept(incomplete, words[at] if at < len(words) else "")
        lines = []
        for item in self.get_completions(arguments, incomplete):
            item.value = item.value.removeprefix(kept)
            lines.append(self.format_completion(item))
        return "\n".join(lines)

    def format_completion(self, item: CompletionItem) -> str:
        """Return kind and candidate, with characters quoted that would end a word of the shell."""
        quoted = "".join(f"\\{c}" if c in " \\'\"()&;|<>*?$`!#" else c for c in item.value)
        return f"{item.type},{quoted}"


class _Zsh(_WholeWords, ZshComplete):
    source_template: ClassVar[str] = _ZSH


class _Fish(_WholeWords, FishComplete):
    source_template: ClassVar[str] = _FISH.lstrip()


def _words_of_bash() -> tuple[list[str], int]:
    """The words as bash breaks them, and the index of the one that it replaces."""
    words, at = os.environ.get("COMP_WORDS", ""), os.environ.get("COMP_CWORD", "")
    return words.split("\n") if "\n" in words else split_arg_string(words), int(at) if at.isdecimal() else 0


def _joined(words: list[str]) -> list[str]:
    """Join words where bash breaks them, to what was typed."""
    joined: list[str] = []
    open_ended = False
    for word in words:
        is_break = bool(word) and all(c in BREAKS for c in word)
        if joined and (is_break or open_ended):
            joined[-1] += word
        else:
            joined.append(word)
        open_ended = is_break
    return joined


def _kept(incomplete: str, word: str) -> str:
    """The beginning of a value that bash leaves on the line."""
    if word[:1] in ("'", '"'):
        return ""  # in quotes nothing ends a word
    if all(c in BREAKS for c in word):
        word = ""
    if incomplete.endswith(word):
        return incomplete[: len(incomplete) - len(word)]
    return incomplete[: max(incomplete.rfind(c) for c in BREAKS) + 1]


CLASSES: dict[Shell, type[ShellComplete]] = {"bash": _Bash, "zsh": _Zsh, "fish": _Fish}


def register() -> None:
    """Register these shells in place of click's own."""
    for name, kind in CLASSES.items():
        add_completion_class(kind, name)


def script(cli: click.Command, shell: Shell) -> str:
    """Return the script with which a shell completes the program's command lines."""
    return CLASSES[shell](cli, {}, PROGRAM, COMPLETION).source()
