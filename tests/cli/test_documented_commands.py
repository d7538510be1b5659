"""Every call of fvp-tui in the blocks of README.md and docs/ is one that the command line understands."""

import re
import shlex
from collections.abc import Iterator

import click
import pytest

from tests.conftest import REPOSITORY
from tui.cli.main import cli

PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]


def calls() -> Iterator[str]:
    for page in PAGES:
        for block in re.findall(r"^```\w*\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
            for line in block.splitlines():
                for call in re.split(r";|&&", line.partition("#")[0]):
                    if call.split()[:1] == ["fvp-tui"]:
                        yield call.strip()


@pytest.mark.parametrize("call", sorted(set(calls())))
def test_a_documented_call_is_understood(call: str) -> None:
    words = [word for word in shlex.split(call)[1:] if word not in ("|", ">")]
    command: click.Command | None = cli
    while isinstance(command, click.Group) and words:
        command = command.get_command(click.Context(command), words.pop(0))
        assert command is not None
    assert command is not None
    if "|" not in call and ">" not in call and command is not cli:
        command.make_context(command.name, words)
