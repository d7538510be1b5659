"""Boards: consistent with Vela and each other, and the only place that names what is a board's."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tui.cli.request import with_typed
from tui.errors import PlatformUnavailable, UsageError
from tui.platform import command, selection
from tui.platform.selection import Choice
from tui.run import spec
from tui.run.spec import Spec
from tui.toolchain import boards, vela
from tui.toolchain.boards import Board
from tui.toolchain.target import Target, on_board_of

SOURCES = [p for p in (REPOSITORY / "tui").rglob("*.py") if p.parent.name != "toolchain"]
A_BOARDS = re.compile(r"mps\d_board|Ethos_U\d|FVP_Corstone|\bethos-u\d\d\b|ETHOSU_PMU_[A-Z]+_")
EXAMPLE = re.compile(r"fvp-tui [a-z]+ ")
MACS = re.compile(r"\b128, 256, 512")


def texts(path: Path) -> Iterator[str]:
    """String constants but docstrings and the help of options."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    people = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    people |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "help"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in people:
            yield node.value


def test_nothing_outside_of_boards_names_what_is_a_boards() -> None:
    assert len(SOURCES) > 200
    named = [
        (path.name, text)
        for path in SOURCES
        for text in texts(path)
        if A_BOARDS.search(text) and not EXAMPLE.match(text)
    ]
    listed = [path.name for path in SOURCES if MACS.search(path.read_text(encoding="utf-8"))]
    assert (named, listed) == ([], [])


@pytest.mark.parametrize("board", boards.BOARDS, ids=lambda board: board.name)
def test_a_board_names_what_vela_has(board: Board) -> None:
    lists = vela.lists(board.npu)
    assert lists.accelerators == board.npu.accelerators
    assert board.npu.default_system_config in lists.system_configs
    assert {*board.npu.memory_modes, board.npu.default_memory_mode, board.npu.runner_memory_mode} <= {
        *lists.memory_modes
    }


@pytest.mark.parametrize("board", boards.BOARDS, ids=lambda board: board.name)
def test_a_target_picks_its_board(board: Board) -> None:
    names = (*board.npu.accelerators, *board.cpu_targets)
    assert [on_board_of(name).board for name in names] == [board] * len(names)
    for name in names:
        spec.check_target(on_board_of(name))
    assert Target() == on_board_of(boards.DEFAULT.npu.default_accelerator)
    assert on_board_of(names[0], memory_mode="Shared_Sram").memory_mode == "Shared_Sram"


def test_a_name_of_no_board_has_the_default_one() -> None:
    assert boards.of("ethos-u99-256") is boards.of("256") is boards.of("") is boards.DEFAULT


def test_a_system_config_is_shortened_by_its_family() -> None:
    shortened = [boards.short_system_config(name) for name in vela.lists(boards.ETHOS_U85).system_configs]
    assert "SYS_DRAM_Mid" in shortened
    assert boards.short_system_config("Another_System") == "Another_System"


def test_a_board_of_another_family_is_another_value(tmp_path: Path) -> None:
    target = on_board_of("ethos-u55-256")
    assert target == Target("ethos-u55-256", "Ethos_U55_High_End_Embedded", "Shared_Sram")
    assert on_board_of("ethos-u65-512") == Target("ethos-u65-512", "Ethos_U65_High_End", "Dedicated_Sram_384KB")
    assert with_typed(spec.DEFAULT, {"accelerator": "ethos-u55-256"}).target == target
    assert with_typed(spec.DEFAULT, {"accelerator": "ethos-u85-512"}).target == Target("ethos-u85-512")
    with pytest.raises(UsageError, match=r"ethosu\.num_macs=128 contradicts"):
        spec.check(Spec("m", target=target, parameters=(("ethosu.num_macs", "128"),)))
    request = Spec("m", target=target, platform="fvp")
    with pytest.raises(PlatformUnavailable, match="no FVP_Corstone_SSE-300_Ethos-U55 was found"):
        selection.choose(request)
    choice = Choice("fvp", ("fvp",), "fvp", None, "", None, {})
    argv = command.build(request, choice, tmp_path, inputs=1, server=False)
    assert {"ethosu.num_macs=256", "cpu0.semihosting-enable=1", "mps3_board.uart0.out_file=-"} <= {*argv}
    assert "mps4_board" not in " ".join(argv)
