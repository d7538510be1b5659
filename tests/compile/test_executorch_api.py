"""What of ExecuTorch is private or moves stands in one module."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import REPOSITORY

PUBLIC = {
    "executorch.exir",
    "executorch.backends.arm.ethosu",
    "executorch.backends.arm.quantizer",
    "executorch.devtools",
    "executorch.devtools.inspector",
    "executorch.examples.models",
    "executorch.examples.models.model_factory",
    "torchao.quantization.pt2e.quantize_pt2e",
    "torchao.quantization.pt2e.quantizer",
}
API = REPOSITORY / "tui" / "compile" / "executorch_api.py"
MODULES = sorted(file for file in (REPOSITORY / "tui").rglob("*.py") if file != API)


def imported(file: Path) -> Iterator[str]:
    """The modules of ExecuTorch and torchao that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_only_one_module_imports_more_than_is_public() -> None:
    others = {
        file.relative_to(REPOSITORY).as_posix(): sorted(found)
        for file in MODULES
        if (found := {name for name in imported(file) if name.startswith(("executorch", "torchao"))} - PUBLIC)
    }
    assert others == {}


def test_it_is_the_one_that_does() -> None:
    assert {name for name in imported(API) if name.startswith("executorch")} - PUBLIC


def test_a_delegate_is_taken_in_either_form() -> None:
    from tui.compile import executorch_api as api  # with torch

    assert api.delegate(b"as 1.4 returns it") == b"as 1.4 returns it"
    assert api.delegate(api.as_result(b"as 1.5 does")) == b"as 1.5 does"
