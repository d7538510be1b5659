"""Completion in the shells: bash as it runs, zsh and fish by what their scripts ask and are answered."""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest

from tests.app import fakes
from tests.conftest import TUI, Fvp, environment
from tui.cli import completion
from tui.run import store

PROGRAM = str(Path(sys.executable).with_name("fvp-tui"))

Ask = Callable[..., list[str]]


@pytest.fixture
def ask(home: Path, tmp_path: Path) -> Ask:
    """``ask(SHELL, WORD...)``: what a shell is answered, the last word being the one at the cursor."""

    def answered(shell: str, *words: str, python: tuple[str, ...] = ()) -> list[str]:
        line = shlex.join(["fvp-tui", *words[:-1]])
        at = words[-1] if shell == "fish" else str(len(words))
        asking = {"COMP_WORDS": f"{line} {words[-1]}", "COMP_CWORD": at, "_FVP_TUI_COMPLETE": f"{shell}_complete"}
        command = [sys.executable, *python, *TUI[1:]]
        env = {**environment(home), **asking}
        done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
        assert not done.stderr or python, done.stderr
        return done.stderr.splitlines() if python else done.stdout.splitlines()

    return answered


@pytest.fixture
def bash(home: Path, tmp_path: Path) -> Callable[[str], str]:
    """``bash(LINE)``: the line as it stands after the tabulator, in an interactive bash that read our script."""
    env = {**environment(home), "PATH": f"{Path(PROGRAM).parent}:{os.environ['PATH']}", "INPUTRC": "/dev/null"}
    child = pexpect.spawn(
        "bash", ["--norc", "--noprofile", "-i"], env={**env, "TERM": "dumb"}, cwd=tmp_path, encoding="utf-8", timeout=30
    )
    child.setwinsize(24, 300)
    child.sendline(
        "bind 'set enable-bracketed-paste off'; bind 'set bell-style none'; source <(fvp-tui completion bash)"
    )
    child.sendline("""bind -x '"\\C-g": printf "\\n<<%s>>\\n" "$READLINE_LINE"'; echo rea''dy""")
    child.expect("ready")

    def completed(line: str) -> str:
        child.send(f"{line}\t\x07")
        child.expect("<<(.*?)>>")
        assert child.match is not None
        found = str(child.match[1])
        child.send("\x15")
        return found

    return completed


def test_bash_completes_commands_options_and_values(bash: Callable[[str], str], home: Path, tmp_path: Path) -> None:
    (tmp_path / "my model.py").touch()
    (tmp_path / "notes.txt").touch()
    (tmp_path / "weights").mkdir()
    done = fakes.whole()
    for line, wanted in {
        "fvp-tui adv": "fvp-tui advise ",
        "fvp-tui run sample:di": "fvp-tui run sample:digits ",
        "fvp-tui run executorch:resnet8": "fvp-tui run executorch:resnet8 ",
        "FOO=1 fvp-tui run --target ethos-u85-10": "FOO=1 fvp-tui run --target ethos-u85-1024 ",
        "fvp-tui run --target=ethos-u85-10": "fvp-tui run --target=ethos-u85-1024 ",
        "true; fvp-tui run --memory-mode Sh": "true; fvp-tui run --memory-mode Shared_Sram ",
        "fvp-tui run --quan": "fvp-tui run --quantize ",
        "fvp-tui run -C mps4_board.subsystem.ethosu.num": "fvp-tui run -C mps4_board.subsystem.ethosu.num_macs=",
        "fvp-tui run -C mps4_board.subsystem.ethosu.num_macs=": (
            "fvp-tui run -C mps4_board.subsystem.ethosu.num_macs=0x100 "
        ),
        "fvp-tui sweep sample:digits --targets ethos-u85-256,ethos-u85-5": (
            "fvp-tui sweep sample:digits --targets ethos-u85-256,ethos-u85-512 "
        ),
        "fvp-tui sweep sample:digits --targets ethos-u6": "fvp-tui sweep sample:digits --targets ethos-u65",
        "fvp-tui run my": "fvp-tui run my\\ model.py ",
        "fvp-tui compile weig": "fvp-tui compile weights/",
        "fvp-tui run sample:digits --spec not": "fvp-tui run sample:digits --spec notes.txt ",
        "fvp-tui show las": "fvp-tui show last ",
        f"fvp-tui compare last {done.name[:9]}": f"fvp-tui compare last {done.name} ",
        "fvp-tui completion z": "fvp-tui completion zsh ",
    }.items():
        assert bash(line) == wanted


def test_bash_is_answered_however_its_function_is_called(home: Path) -> None:
    script = """
        source <(fvp-tui completion bash)
        COMP_WORDS=(fvp-tui run sample : di) COMP_CWORD=4; _fvp_tui_completion fvp-tui; echo "${COMPREPLY[@]}"
        COMP_WORDS=(fvp-tui run sample:di) COMP_CWORD=2; _fvp_tui_completion; echo "${COMPREPLY[@]}"
        COMP_WORDS=(fvp-tui sto) COMP_CWORD=1; _fvp_tui_completion fvp-tui run; echo "${COMPREPLY[@]}"
    """
    env = {**environment(home), "PATH": f"{Path(PROGRAM).parent}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout.split(), done.stderr) == (["digits", "sample:digits", "stop"], "")


def test_zsh_and_fish_are_answered_in_their_own_way(ask: Ask) -> None:
    assert ask("zsh", "run", "sample:dig")[:2] == ["plain", r"sample\:digits"]
    assert ask("fish", "run", "sample:dig")[0].startswith("plain,sample:digits\t")
    assert ask("fish", "run", "--target=ethos-u85-10") == ["plain,--target=ethos-u85-1024"]
    assert ask("zsh", "run", "--target=ethos-u85-10") == ["plain", "--target=ethos-u85-1024", "_"]
    assert ask("zsh", "run", "-C", "mps4_board.subsystem.ethosu.num")[:2] == [
        "nospace", r"mps4_board.subsystem.ethosu.num_macs=",
    ]  # fmt: skip
    assert [answer.partition("\t")[0] for answer in ask("fish", "export", "last", "--format", "")] == [
        "plain,json", "plain,csv", "plain,html", "plain,perfetto",
        "plain,model-explorer", "plain,junit", "plain,svg",
    ]  # fmt: skip


def test_runs_are_offered_where_they_are_of_use(ask: Ask, home: Path) -> None:
    done, failed = fakes.whole(), fakes.failed()
    (failed / store.CONTROL).touch()  # as of one that runs
    store.pin(done, True)
    found = {command: ask("fish", *command.split(), "2") for command in ("show", "stop", "infer", "pin", "pin --off")}
    both, live = [f"plain,{failed.name}", f"plain,{done.name}"], [f"plain,{failed.name}"]
    assert found == {"show": both, "stop": live, "infer": live, "pin": live, "pin --off": both[1:]}
    assert ask("fish", "show", "l") == ["plain,last", "plain,last~1"]


@pytest.mark.parametrize("words", [("run", ""), ("run", "-C", "mps4"), ("show", ""), ("run", "--target", "")])
def test_completing_loads_neither_pytorch_nor_the_screen(words: tuple[str, ...], ask: Ask) -> None:
    imported = {line.rpartition("|")[2].strip() for line in ask("bash", *words, python=("-X", "importtime"))}
    assert "tui.cli.candidates" in imported
    assert imported.isdisjoint({"torch", "executorch", "textual", "rich", "numpy"})


def test_completing_the_name_of_a_command_imports_none(ask: Ask) -> None:
    imported = {line.rpartition("|")[2].strip() for line in ask("bash", "sto", python=("-X", "importtime"))}
    assert "tui.cli.registry" in imported
    assert not [name for name in imported if name.startswith(("tui.cli.commands", "tui.run", "msgspec"))]
    assert ask("bash", "sto") == ["plain,stop"]
    assert ask("zsh", "sto") == ["plain", "stop", "Stop a run"]


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_the_script_says_how_it_is_installed(shell: str, fvp_tui: Fvp) -> None:
    done = fvp_tui("completion", shell)
    assert done.returncode == 0 and f"fvp-tui completion {shell}" in done.stdout
    assert f"_FVP_TUI_COMPLETE={shell}_complete" in done.stdout


def test_an_unknown_shell_is_refused(fvp_tui: Fvp) -> None:
    done = fvp_tui("completion", "tcsh")
    assert (done.returncode, "'bash', 'zsh', 'fish'" in done.stderr) == (2, True)
