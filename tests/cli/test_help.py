"""The help of fvp-tui and of each command."""

import json
import re
import shlex
import sys
from collections.abc import Iterator
from importlib import metadata

import click
import pytest

from tests.conftest import REPOSITORY, Fvp
from tui import __version__
from tui.cli.main import cli
from tui.cli.registry import COMMANDS
from tui.errors import Exit

WIDTH = 80
SUMMARY_WIDTH = 45


def commands() -> Iterator[tuple[str, click.Command]]:
    """All commands with the words that call them, those of groups as well."""
    context = click.Context(cli, info_name="fvp-tui")
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        yield f"fvp-tui {name}", command
        if isinstance(command, click.Group):
            yield from ((f"fvp-tui {name} {part}", inner) for part, inner in command.commands.items())


ALL = dict(commands())


def help_of(words: str) -> str:
    """The help as an 80-column terminal shows it."""
    return ALL[words].get_help(click.Context(ALL[words], info_name=words, max_content_width=WIDTH))


@pytest.mark.parametrize("name", COMMANDS)
def test_the_summary_in_the_list_is_the_first_line_of_the_commands_help(name: str) -> None:
    first, _, _ = (ALL[f"fvp-tui {name}"].help or "").partition("\n")
    assert first == f"{COMMANDS[name]}."


def test_every_summary_fits() -> None:
    assert [summary for summary in COMMANDS.values() if len(summary) > SUMMARY_WIDTH] == []
    context = click.Context(cli, info_name="fvp-tui", max_content_width=WIDTH)
    lines = cli.get_help(context).splitlines()
    assert max(map(len, lines)) <= WIDTH
    # On one line each, whole.
    for name, summary in COMMANDS.items():
        assert f"  {name:10}  {summary}" in lines


@pytest.mark.parametrize("words", ["fvp-tui", *ALL])
def test_every_help_ends_with_examples_that_call_the_command(words: str) -> None:
    command = cli if words == "fvp-tui" else ALL[words]
    assert command.examples and any(words in example for example in command.examples)  # type: ignore[attr-defined]
    text = command.get_help(click.Context(command, info_name=words))
    _, _, examples = text.partition("\nExamples:\n")
    assert [line.strip() for line in examples.splitlines()] == list(command.examples)  # type: ignore[attr-defined]


@pytest.mark.parametrize("words", ALL)
def test_every_example_is_one_that_the_command_line_understands(words: str) -> None:
    for example in ALL[words].examples:  # type: ignore[attr-defined]
        line = shlex.split(example, comments=True)
        if line[0] != "fvp-tui":
            continue  # a line of a shell's own
        arguments = [word for word in line[1:] if word not in ("|", ">")]
        command: click.Command = cli
        while isinstance(command, click.Group):
            found = command.get_command(click.Context(command), arguments.pop(0))
            assert found is not None, example
            command = found
        if "|" not in line and ">" not in line:
            command.make_context(words, arguments)


def test_run_is_explained_wherever_it_is_taken() -> None:
    takes = {words for words in ALL if " RUN" in help_of(words).splitlines()[0]}
    names = "attach infer stop show log compare advise replay export pin rm"
    assert takes >= {f"fvp-tui {name}" for name in names.split()}
    for words in takes:
        assert "RUN is an id, its unique beginning or last part, last or last~N." in help_of(words)


@pytest.mark.parametrize("words", ALL)
def test_every_option_has_a_help_and_no_line_is_too_long(words: str) -> None:
    for parameter in ALL[words].params:
        if isinstance(parameter, click.Option):
            assert parameter.help and parameter.help.endswith((".", "]")), parameter.name
    text, _, _ = help_of(words).partition("\nExamples:\n")
    assert max(map(len, text.splitlines())) <= WIDTH


def test_every_command_file_is_registered_and_short() -> None:
    folder = REPOSITORY / "tui" / "cli" / "commands"
    assert {file.stem for file in folder.glob("*.py")} - {"__init__"} == set(COMMANDS)
    lengths = {file.name: len(file.read_text(encoding="utf-8").splitlines()) for file in folder.parent.rglob("*.py")}
    assert {name: lines for name, lines in lengths.items() if lines > 220} == {}


def test_the_topic_of_the_environment_names_every_variable_and_status(fvp_tui: Fvp) -> None:
    text = fvp_tui("help").stdout
    sources = "".join(file.read_text("utf-8") for file in (REPOSITORY / "tui").rglob("*.py"))
    assert [name for name in set(re.findall(r"\bFVP_TUI_[A-Z]\w+", sources)) if f"  {name} " not in text] == []
    assert [status for status in Exit if not re.search(rf"^  {int(status)} ", text, re.MULTILINE)] == []


def test_the_version_is_that_of_all_that_matters(fvp_tui: Fvp) -> None:
    found = json.loads(fvp_tui("--version", "--json").stdout)
    assert found["versions"]["fvp-tui"] == __version__ and found["problem"] is None
    assert found["toolchain"]["path"] == sys.executable
    assert found["toolchain"]["executorch"] == metadata.version("executorch")
    lines = fvp_tui("--version").stdout.splitlines()
    assert lines[0] == f"fvp-tui {__version__}"
    assert any(line.split() == ["torch", metadata.version("torch")] for line in lines)
    alone = fvp_tui("--json")
    assert alone.returncode == 2 and "--json goes with --version" in alone.stderr
