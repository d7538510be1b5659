"""docs/compiler-faults.md: its programs print what it says, and it leaves out no fault that tests know."""

import io
import re
import sys
import types
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from tests.compile.compiler_faults import CASES
from tests.conftest import REPOSITORY
from tests.differential import lowering
from tests.differential.faults import KNOWN

TEXT = (REPOSITORY / "docs" / "compiler-faults.md").read_text()
SHARED, *PROGRAMS = re.findall(r"^```python\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
PRINTED = re.findall(r"^```text\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
TITLES = re.findall(r"^## (.*)", TEXT, re.MULTILINE)

pytestmark = pytest.mark.xdist_group("conformance-1")


def _run(program: str, name: str) -> str:
    code = compile(program, name, "exec")
    said = io.StringIO()
    with redirect_stdout(said), lowering.in_haste(lazy=False):
        exec(code, {"__name__": name})
    return said.getvalue()


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> None:
    """The module that the programs share."""
    from executorch.backends.arm.ethosu import backend

    # It puts a function of its own in the place of Vela's, and leaves it there.
    monkeypatch.setattr(backend, "vela_compile", backend.vela_compile)
    module = types.ModuleType("check")
    monkeypatch.setitem(sys.modules, "check", module)
    exec(compile(SHARED, "check.py", "exec"), module.__dict__)


@pytest.mark.parametrize("number", range(len(PROGRAMS)))
@pytest.mark.usefixtures("check")
def test_a_program_prints_what_is_said(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert _run(PROGRAMS[number], f"fault-{number}") == PRINTED[number]


def test_every_fault_has_its_place() -> None:
    assert {case.section for case in CASES} <= set(TITLES)
    assert [fault.why for fault in KNOWN if fault.why not in TEXT] == []
