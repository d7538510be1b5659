"""The Python door: what it imports, how it is called, and what it says of a request that is wrong."""

import inspect
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import html5lib
import pytest

import tui
from tests.conftest import REPOSITORY, Ran, environment, taken_over
from tests.test_imports import HEAVY, modules_after
from tests.watching import directory_of
from tui.api import options
from tui.run import options as declared

CALLS = {"run": tui.RunOptions, "compile": tui.CompileOptions, "sweep": tui.LowerOptions}


@pytest.fixture
def digits(ran: Callable[..., Ran], home: Path) -> Iterator[tui.State]:
    """A good run in a data folder of its own."""
    yield tui.open(taken_over(ran("sample:digits"), home))


def script(code: str, home: Path, **options: Any) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", code]
    return subprocess.Popen(command, env=environment(home), stdout=subprocess.PIPE, text=True, **options)


def test_importing_the_package_loads_nothing_of_it() -> None:
    code = "import sys; before = set(sys.modules); import tui; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["tui"]


def test_the_door_needs_no_heavy_library_before_it_is_called() -> None:
    assert modules_after("import tui; tui.run, tui.compile, tui.sweep, tui.State").isdisjoint(
        {*HEAVY, "rich", "jinja2"}
    )


def test_rooms_that_have_a_functions_name_are_still_rooms() -> None:
    code = """
import tui
import tui.run.spec as spec, tui.compile.client
from tui import run
import inspect
assert tui.run.spec is spec and run is tui.run and callable(tui.run) and callable(tui.compile)
assert inspect.signature(tui.run) == inspect.signature(tui.api.run)
assert "compile" in dir(tui) and not hasattr(tui, "nothing")
"""
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True)


def kinds(hint: Any) -> set[Any]:
    """The types that a hint allows beside None."""
    return {*(get_args(hint) if get_origin(hint) in (Union, UnionType) else [hint])} - {type(None)}


@pytest.mark.parametrize("call", CALLS)
def test_options_have_the_names_and_types_of_the_spec(call: str) -> None:
    """An option that is added to the spec is added to `tui.api.options`, too, or named there as absent."""
    hints, spec = get_type_hints(CALLS[call]), get_type_hints(declared.Spec)
    names = {option.path[-1 if option.part else 0] for option in declared.of(call) if option.path}
    names -= {*options.ABSENT, "accelerator"}
    assert set(hints) - {*options.PARTS} | {"cache", "limits"} >= names - {*options.PARTS}
    for name in set(hints) - {*options.PARTS, "limits", "parameters", "serial"}:
        assert kinds(hints[name]) - {Path} == kinds(spec[name]), name
    assert {*get_type_hints(tui.RunOptions)} - {*options.PARTS} == {*spec} - options.ABSENT


def test_a_signature_names_what_is_no_option() -> None:
    assert [*inspect.signature(tui.api.run).parameters] == ["model", "inputs", "target", "given"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"model": "sample:digit"}, "did you mean sample:digits?"),
        ({"model": 3}, "int is no type of a model"),
        ({"model": "sample:digits", "memory_mod": "Sram_Only"}, "no option memory_mod (did you mean memory_mode?)"),
        ({"model": "sample:digits", "target": "ethos-u85-257"}, "unknown target 'ethos-u85-257'"),
        ({"model": "sample:digits", "target": 256}, "target=256: Expected `str`, got `int`"),
        ({"model": "sample:digits", "quantize": "int4"}, "quantize='int4': Invalid enum value 'int4'"),
        ({"model": "sample:digits", "inferences": "two"}, "inferences='two': Expected `int`, got `str`"),
        ({"model": "sample:digits", "inferences": 0}, "--inferences must be at least 1"),
        ({"model": "sample:digits", "limits": {"cycles": 1}}, "unknown field `cycles`"),
        ({"model": "sample:digits", "inputs": {"x": 1}}, "inputs are a dictionary"),
        ({"model": "sample:digits", "inputs": [object()]}, "input 0, a object, has no form as an array"),
        ({"model": "sample:digits", "serial": {"prot": "/dev/ttyACM0"}}, "unknown field `prot`"),
        ({"model": "sample:digits", "serial": {"baud": 9600}}, "--baud is for a board (--platform serial"),
        (
            {"model": "sample:digits", "platform": "serial", "serial": {"port": "x", "folder": "/"}},
            "always the current",
        ),
        ({"model": Path("nowhere.pte")}, "no file nowhere.pte"),
    ],
)
def test_a_wrong_request_is_an_error_that_says_what_to_do(given: dict[str, Any], said: str, home: Path) -> None:
    with pytest.raises(tui.UsageError) as error:
        tui.run(**given)
    assert said in str(error.value)
    assert not (home / "runs").exists()


def test_options_reach_the_spec_as_they_are(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tui.api import calls

    (home.parent / "cal.npz").write_bytes(b"")
    monkeypatch.chdir(home.parent)
    given = {
        "calibration": Path("cal.npz"),
        "cache": False,
        "fast": True,
        "parameters": {"a.b": "1"},
        "limits": tui.Limits(npu_cycles=7, match=True),
        "timeout_s": 30,
        "first": 0,
        "memory_mode": None,
    }
    spec = calls._spec("sample:digits", None, tui.Target("ethos-u55-128", *U55), given, tui.RunOptions, "check")
    assert (spec.calibration, spec.cache, spec.fast) == (str(home.parent / "cal.npz"), False, True)
    assert (spec.parameters, spec.limits) == ((("a.b", "1"),), tui.Limits(npu_cycles=7, match=True))
    assert (spec.timeout_s, spec.first, spec.until) == (30.0, 0, "check")
    assert spec.target == tui.Target("ethos-u55-128", *U55)


U55 = ("Ethos_U55_High_End_Embedded", "Shared_Sram")


def test_a_run_is_opened_by_name_and_by_folder(digits: tui.State, home: Path, tmp_path: Path) -> None:
    assert digits.ok and tui.open("last") == tui.open(digits.directory) == tui.open(str(digits.directory)) == digits
    assert digits.json() == tui.open().json() and digits.json()["run"]["id"] == digits.run.id
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "events.jsonl").write_bytes((digits.directory / "events.jsonl").read_bytes())
    assert tui.open(kept).estimate == digits.estimate
    for name in (tmp_path, "nothing", tmp_path / "nowhere"):
        with pytest.raises(tui.UsageError, match="no run"):
            tui.open(name)


def test_a_state_is_a_value_with_short_and_long_texts(digits: tui.State) -> None:
    assert pickle.loads(pickle.dumps(digits)) == digits
    assert repr(digits).startswith("<tui.State OK") and "sample:digits" in repr(digits) and "\n" not in repr(digits)
    assert "Operators" in str(digits)
    assert digits.html().startswith("<!doctype html>")
    (output,) = digits.outputs()
    assert (output.shape, output.dtype.name, output.flags.writeable) == ((1, 10), "float32", True)
    with pytest.raises(tui.UserError, match="no outputs of inference 7"):
        digits.outputs(7)


def test_a_notebook_shows_the_head_of_the_report_in_a_style_of_its_own(digits: tui.State) -> None:
    shown = digits._repr_html_()
    page = f"<!doctype html><html><head><title>n</title></head><body>{shown}</body></html>"
    html5lib.HTMLParser(strict=True).parse(page)
    assert f"{digits.estimate.total_cycles:,}" in shown and "SIMULATOR - cycles estimated" in shown
    assert "<script" not in shown and "&amp;" not in shown.partition("</style>")[0]
    style = shown.partition("<style>")[2].partition("</style>")[0].strip()
    # All rules are nested in that of the fragment: none reaches the notebook around it.
    assert style.startswith(".fvp-tui {") and style.endswith("}")
    depths = [style[:at].count("{") - style[:at].count("}") for at in range(1, len(style))]
    assert min(depths[len(".fvp-tui {") :]) == 1 and style.count("{") == style.count("}")
    assert ":root" not in style and "@page" not in style


def test_a_comparison_and_a_sweep_are_shown_as_their_commands_print_them(digits: tui.State) -> None:
    same = tui.compare(digits, digits.directory)
    assert same.comparable and not same.regressions
    assert "NOT WORSE" in repr(same) and str(same).splitlines()[0] in same._repr_html_()
    points = tui.Sweep(model="m<1>.py")
    assert "m&lt;1&gt;.py" in points._repr_html_() and "0 points" in repr(points)


def test_an_interrupt_stops_the_run(home: Path) -> None:
    code = "import tui; tui.run('sample:digits')"
    with script(code, home, stderr=subprocess.PIPE) as process:
        try:
            directory_of(home)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=120)
        finally:
            process.kill()
    assert "KeyboardInterrupt" in errors
    assert tui.open("last").run.status == "stopped"


def test_the_notebook_runs_from_its_first_cell_to_its_last(shared: Path, ran: Callable[..., Ran]) -> None:
    ran("sample:digits")  # starts the compile server of this folder
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "examples" / "notebook.py")],
        env={**environment(shared / "home"), "TERM": "dumb"},
        cwd=os.sep,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert (done.returncode, done.stderr) == (0, "")
    cycles, error, strict, best, *worse, last = done.stdout.splitlines()
    assert cycles.endswith("cycles, match") and float(error.rpartition(" ")[2]) < 0.05
    assert strict == f"failed - limits not met: npu_cycles is {int(cycles.split()[0]):,}, the limit is 100"
    assert best.startswith("ethos-u85-256 ") and "macs +97 %" in worse and last == "True True"
