"""The list of parameters."""

import os
import sys
from pathlib import Path

import pytest

from tests.conftest import Fvp
from tui.platform.parameters import Parameter, ask, matching, parse, problem

LISTING = """\
# Parameters:
# instance.parameter=value       #(type, mode) default = 'def value' : description : [min..max]
#---------------------------------
a.macs=256       # (int   , init-time) default = '0x400'  : Count (1, 2, or 3). Odd : text : [0x80:0x800]\r
a.old=0xAB       # (int   , run-time ) default = '0xAB'   : Number : [0x0..0xFF]
b.file=-         # (string, init-time) default = ''       : Where to (use '-' for stdout)
b.empty=""       # (bool  , init-time) default = '0'    :
not a parameter
"""


def test_lines_of_all_shapes_are_read() -> None:
    assert parse(LISTING) == [
        Parameter("a.macs", "256", "int", "init-time", "0x400", "Count (1, 2, or 3). Odd : text", "0x80", "0x800"),
        Parameter("a.old", "0xAB", "int", "run-time", "0xAB", "Number", "0x0", "0xFF"),
        Parameter("b.file", "-", "string", "init-time", "", "Where to (use '-' for stdout)"),
        Parameter("b.empty", '""', "bool", "init-time", "0", ""),
    ]


def test_no_list_is_an_empty_one() -> None:
    assert parse("") == []


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("a.macs", "0x80", None),
        ("a.macs", "2048", None),
        ("a.macs", "'256'", None),
        ("a.macs", "127", "outside 0x80 to 0x800"),
        ("a.macs", "0x801", "outside 0x80 to 0x800"),
        ("a.macs", "many", "not a number"),
        ("a.macs", "", "not a number"),
        ("b.file", "anything", None),
        ("b.empty", "1", None),
        ("b.empty", "true", None),
        ("b.empty", "2", "neither 0 nor 1"),
    ],
)
def test_a_value_is_held_to_type_and_range(name: str, value: str, why: str | None) -> None:
    parameter = next(p for p in parse(LISTING) if p.name == name)
    found = problem(parameter, value)
    assert (found is None) == (why is None)
    assert why is None or why in str(found)


def test_a_range_that_is_no_number_bounds_nothing() -> None:
    assert problem(Parameter("a", "1", "int", "init-time", "1", "", "low", "high"), "5") is None


def test_all_words_are_looked_for_in_name_and_description() -> None:
    known = parse(LISTING)
    assert [p.name for p in matching(known, [])] == ["a.macs", "a.old", "b.file", "b.empty"]
    assert [p.name for p in matching(known, ["NUMBER"])] == ["a.old"]
    assert [p.name for p in matching(known, ["b.", "stdout"])] == ["b.file"]
    assert matching(known, ["a.", "stdout"]) == []


def test_a_list_is_asked_for_once_and_an_empty_one_not_kept(tmp_path: Path) -> None:
    cache = tmp_path / "of" / "this.txt"
    (tmp_path / "listing").write_text(LISTING)
    command = [sys.executable, "-c", f"print(open({str(tmp_path / 'listing')!r}).read())"]
    silent = [sys.executable, "-c", "pass"]
    assert ask(silent, os.environ, cache) == []
    assert len(ask(command, os.environ, cache)) == 4
    assert len(ask(silent, os.environ, cache)) == 4
    assert ask(["/nowhere"], os.environ) == []


def test_params_lists_what_the_simulator_has(fvp_tui: Fvp) -> None:
    done = fvp_tui("params", "num_macs", "--platform", "simulator")
    assert done.returncode == 0
    (line,) = done.stdout.splitlines()[1:]
    assert "ethosu.num_macs" in line and "0x80 to 0x800" in line and "set by run" in line
    done = fvp_tui("params", "no such", "--platform", "simulator")
    assert (done.returncode, done.stdout) == (1, "")
    assert "has no parameter that contains no such" in done.stderr


def test_a_dry_run_prints_the_command_and_runs_nothing(fvp_tui: Fvp, tmp_path: Path) -> None:
    done = fvp_tui("run", "sample:digits", "--platform", "simulator", "--fast", "--dry-run")
    assert done.returncode == 0
    assert "ethosu.num_macs=256" in done.stdout and "extra_args=--fast" in done.stdout
    assert len(done.stdout.splitlines()) == 1
    assert "no runs yet" in fvp_tui("history").stdout


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("mps4_board.uart0.unbuffered_output=7", "neither 0 nor 1"),
        ("mps4_board.uart0.unbufered_output=1", "did you mean mps4_board.uart0.unbuffered_output"),
    ],
)
def test_a_parameter_that_does_not_fit_is_refused_before_anything_starts(setting: str, said: str, fvp_tui: Fvp) -> None:
    done = fvp_tui("run", "sample:digits", "--platform", "simulator", "-C", setting)
    assert done.returncode == 2
    assert said in done.stdout + done.stderr


def test_presets_are_listed_and_come_before_what_is_typed(fvp_tui: Fvp) -> None:
    done = fvp_tui("params", "--presets")
    assert "patient" in done.stdout and "window" in done.stdout
    arguments = (
        "run",
        "sample:digits",
        "--platform",
        "simulator",
        "--dry-run",
        "--preset",
        "window",
        "--preset",
        "fast",
    )
    line = fvp_tui(*arguments, "-C", "vis_hdlcd.disable_visualisation=1").stdout
    assert "-C mps4_board.visualisation.disable-visualisation=0" in line
    assert "-C vis_hdlcd.disable_visualisation=1" in line
    assert "extra_args=--fast" in line
    done = fvp_tui("run", "sample:digits", "--preset", "windw")
    assert (done.returncode, "no preset 'windw'" in done.stderr) == (2, True)
