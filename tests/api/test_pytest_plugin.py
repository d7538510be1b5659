"""The pytest plugin: what the fixture ``npu`` lets pass, what it fails with which words, and what it costs unused."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import tui
from tests.conftest import REPOSITORY, Ran, environment
from tests.test_imports import modules_after

pytest_plugins = ["pytester"]

PLUGIN = "tui.pytest_plugin"
TESTS = """
import tui

SMALL = dict(target="ethos-u85-128")

def test_good(npu):
    state = npu("sample:digits", baseline={small!r}, limits={{"match": True}}, **SMALL)
    assert state.check.status == "match"

def test_regression(npu):
    npu("sample:digits", baseline={large!r}, **SMALL)

def test_limit(npu):
    npu("sample:digits", limits={{"npu_cycles": 50}}, **SMALL)

def test_other_model(npu):
    npu("sample:digits", baseline={other!r}, **SMALL)

def test_no_such_option(npu):
    npu("sample:digits", targets=["ethos-u85-128"])

def test_without():
    pass
"""
GATE = "figures_pct = 3\nmodules_pct = 5\n[figures]\ntotal_cycles = 2.5\n"


@pytest.fixture
def alone(pytester: pytest.Pytester, shared: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder of tests with no other plugin, and with the session's data folder."""
    for name, value in environment(shared / "home").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    # Pytester puts its folder there, where a model's code might come from: the cache would not know the session's runs.
    pytester.makeconftest(f"import os; os.environ['PYTHONPATH'] = {str(REPOSITORY)!r}")
    return pytester


def kept(run: Ran, folder: Path) -> str:
    """A baseline beside the tests: the journal of a run."""
    folder.mkdir()
    (folder / "events.jsonl").write_bytes((run.directory / "events.jsonl").read_bytes())
    return str(folder)


def test_a_planted_regression_fails_and_names_the_limit_and_the_figures(
    alone: pytest.Pytester, ran: Callable[..., Ran]
) -> None:
    small, large = (ran("sample:digits", "--target", f"ethos-u85-{size}") for size in (128, 512))
    folders = {
        "small": kept(small, alone.path / "small"),
        "large": kept(large, alone.path / "large"),
        "other": kept(ran("sample:split"), alone.path / "other"),
    }
    alone.makepyfile(TESTS.format(**folders))
    (alone.path / "gate.toml").write_text(GATE, encoding="utf-8")

    result = alone.runpytest_subprocess("-p", PLUGIN, "--fvp-tui-profile", "gate.toml")

    result.assert_outcomes(passed=2, failed=4)
    before, after = (tui.open(run.directory).estimate.total_cycles for run in (large, small))
    text = result.stdout.str()
    assert (
        f"worse than {large.state['run']['id']}: total_cycles: {before:,} -> {after:,}, "
        f"+{100 * (after - before) / before:.1f} %; allowed: 2.5 %"
    ) in text
    assert "; allowed: 5 % of a module, or 100 cycles" in text
    assert f"limits not met: npu_cycles is {after:,}, the limit is 50" in text
    assert "two different models: they have no module in common" in text
    assert "UsageError: no option targets (did you mean target?)" in text


def test_a_profile_that_is_none_is_said_once_a_test_asks_for_it(alone: pytest.Pytester) -> None:
    alone.makepyfile("def test_one(npu): pass\ndef test_two(): pass")
    result = alone.runpytest_subprocess("-p", PLUGIN, "--fvp-tui-profile", "nowhere.toml")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*cannot read profile nowhere.toml: No such file or directory*"])


def test_it_costs_nothing_where_no_test_asks_for_it(alone: pytest.Pytester) -> None:
    code = "import pytest, sys; before = set(sys.modules); import tui.pytest_plugin"
    loaded = modules_after(f"{code}; print('more', *sorted(set(sys.modules) - before))")
    assert loaded.isdisjoint({"msgspec", "numpy", "torch", "textual", "click"})
    alone.makepyfile(
        """
        import sys

        def test_nothing_of_the_program_is_loaded():
            assert [name for name in sys.modules if name.startswith("tui")] == ["tui", "tui.pytest_plugin"]
        """
    )
    alone.runpytest_subprocess("-p", PLUGIN).assert_outcomes(passed=1)


def test_the_package_registers_it() -> None:
    project = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    assert f'[project.entry-points.pytest11]{os.linesep}fvp_tui = "{PLUGIN}"' in project
