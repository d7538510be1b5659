"""The program as ``textual-serve`` starts it: without a terminal, for a browser to show."""

import subprocess
from pathlib import Path

import pytest

from tests.app import fakes
from tests.conftest import TUI, environment


@pytest.mark.parametrize(("arguments", "seen"), [([], b"digits"), (["attach", "last"], b"MATCH")])
def test_it_draws_without_a_terminal_where_a_browser_shows_it(arguments: list[str], seen: bytes, home: Path) -> None:
    fakes.whole()
    served = {"TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver", "COLUMNS": "120", "ROWS": "40"}
    shown = b""
    with subprocess.Popen(
        [*TUI, *arguments],
        env=environment(home) | served,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as program:
        assert program.stdout is not None
        while seen not in shown and (more := program.stdout.read1()):
            shown += more
        program.kill()
    assert shown.startswith(b"__GANGLION__\n") and seen in shown
