"""Options on the command line: every value reaches the spec, and the spec's command line repeats it."""

import sys
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest

from tests.conftest import Fvp
from tui.cli.commands.advise import advise
from tui.cli.commands.compile import compile as compile_command
from tui.cli.commands.infer import infer
from tui.cli.commands.params import params
from tui.cli.commands.run import run
from tui.cli.commands.sweep import sweep
from tui.cli.request import make_spec, with_typed
from tui.run import options, spec
from tui.run.option import Option, replaced
from tui.run.spec import Spec

OWN = {"model", "name", "words", "list_presets", "as_json", "try_out"}
"""Parameters that commands declare themselves."""


def typed(*arguments: str, command: click.Command = run) -> dict[str, Any]:
    return dict(command.make_context(command.name, list(arguments)).params)


def another(option: Option, folder: Path) -> Any:
    """A value that is not the default."""
    (folder / "a file").touch()
    path = str(folder / "a file")
    return {
        "text": "other name",
        "choice": option.choices[-1] if option.choices else None,
        "flag": not option.default,
        "integer": 7,
        "number": 0.125,
        "address": 0x7000_0000,
        "file": (path, path) if option.repeatable else path,
        "program": path,
        "port": path,
        "toolchain": sys.executable,
        "setting": (("a.b", "c=d"), ("e", "")),
    }[option.kind]


@pytest.mark.parametrize(
    "command", [run, compile_command, sweep, params, infer, advise], ids=lambda command: str(command.name)
)
def test_a_command_takes_the_options_of_the_table_and_no_others(command: click.Command) -> None:
    entries = options.of(str(command.name))
    assert {str(parameter.name) for parameter in command.params} - OWN == {option.key for option in entries}
    for option in entries:
        parameter = next(one for one in command.params if one.name == option.key)
        assert option.name in parameter.opts
        assert getattr(parameter, "group", None) == option.group


@pytest.mark.parametrize("option", options.OF_SPECS, ids=lambda option: option.name)
def test_a_value_in_a_spec_survives_its_command_line(option: Option, tmp_path: Path) -> None:
    wanted = replaced(Spec(model="sample:digits"), {option.path: another(option, tmp_path)})
    assert wanted != Spec(model="sample:digits")
    program, command, model, *words = spec.command_line(wanted)
    assert (program, command, model) == ("fvp-tui", "run", "sample:digits")
    assert option.name in words
    assert with_typed(Spec(model="sample:digits"), typed(*words)) == wanted


def test_what_is_not_typed_comes_from_the_spec_file_and_presets(tmp_path: Path) -> None:
    file = tmp_path / "spec.json"
    known = Spec(model="sample:digits", quantize="a16w8", inferences=5, parameters=(("a", "1"), ("b", "2")), fast=True)
    file.write_bytes(spec.encode(known))
    same = make_spec({**typed("--spec", str(file)), "model": None}, "check")
    assert same == known
    words = "--inferences 2 -C b=3 -C c=4 --preset patient --max-sram-kib 0"
    changed = make_spec({**typed("--spec", str(file), *words.split()), "model": None}, "check")
    assert changed == msgspec.structs.replace(
        known,
        inferences=2,
        parameters=(("a", "1"), ("b", "3"), ("c", "4")),
        timeout_s=7200,
        limits=spec.Limits(sram_kib=0),
    )


def test_zero_is_a_value_that_was_typed() -> None:
    assert with_typed(spec.DEFAULT, typed("--inferences", "0")).inferences == 0
    assert with_typed(spec.DEFAULT, typed("--max-npu-cycles", "0")).limits.npu_cycles == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--pte-address 0x1ffffffff", "is not an address of 32 bits"),
        ("--pte-address here", "is not an address of 32 bits"),
        ("--platform moon", "'auto', 'simulator', 'fvp'"),
        ("--inferences many", "is not a valid integer"),
        ("-C =1", "expected NAME=VALUE"),
    ],
)
def test_a_value_that_is_wrong_is_refused(words: str, message: str, fvp_tui: Fvp) -> None:
    done = fvp_tui("run", "sample:digits", *words.split())
    assert done.returncode == 2 and message in done.stderr
