"""What is fast stays fast: no command imports what it does not need."""

import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY

HEAVY = ("torch", "executorch", "textual", "numpy", "pexpect", "ethosu")


def modules_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print('modules:', *sys.modules, sep='\\n')"],
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    _, _, modules = done.stdout.rpartition("modules:")
    return {line.split(".")[0] for line in modules.split()}


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    assert modules_after(f"from tui.cli.main import run; run({arguments})").isdisjoint(HEAVY)


def test_help_imports_no_command() -> None:
    code = "from tui.cli.main import run; run(['--help']); import sys; print(*sys.modules, sep='\\n', file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    imported = done.stderr.split()
    assert "tui.cli.registry" in imported
    assert [name for name in imported if name.startswith(("tui.cli.commands.", "tui.run"))] == []


def test_importtime_of_help_shows_neither_torch_nor_textual() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "tui", "--help"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert imported.isdisjoint(HEAVY)


@pytest.mark.parametrize(
    "module", ["run.state", "run.store", "model.catalogue", "run.control", "run.journal", "reports.text"]
)
def test_the_core_needs_no_numpy_and_no_terminal_library(module: str) -> None:
    assert modules_after(f"import tui.{module}").isdisjoint({*HEAVY, "rich"})


def test_the_full_screen_program_imports_neither_torch_nor_numpy() -> None:
    found = modules_after("import tui.app.start, tui.app.screens.setup, tui.app.screens.run, tui.app.screens.history")
    assert found.isdisjoint({"torch", "executorch", "numpy"})


def test_the_first_picture_loads_neither_figures_nor_states_of_runs() -> None:
    code = (
        "import sys, tui.app.screens.root; print(*({'tui.run.figures', 'tui.run.state', 'ctypes'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.stdout.split() == []
