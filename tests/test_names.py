"""The house's rules: a docstring starts with a verb or a noun, modules and functions are short."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

ROOM = REPOSITORY / "tui"
MODULES = sorted(ROOM.rglob("*.py"))
ROUNDABOUT = re.compile(r"(What|Whether|Those|How|Of|Which|Where|Who|Whose)\b")
LONGEST_MODULE, LONGEST_FUNCTION = 400, 60

Function = (ast.FunctionDef, ast.AsyncFunctionDef)


def docstrings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The line and the text of each docstring, those of constants and fields included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(ROOM).as_posix())
def test_a_module_keeps_the_house_rules(module: Path) -> None:
    source = module.read_text(encoding="utf-8")
    tree = ast.parse(source)
    roundabout = [f"{line}: {text[:60]}" for line, text in docstrings(tree) if ROUNDABOUT.match(text)]
    functions = [node for node in ast.walk(tree) if isinstance(node, Function)]
    long = [node.name for node in functions if (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION]
    assert (roundabout, long) == ([], [])
    assert source.count("\n") <= LONGEST_MODULE
