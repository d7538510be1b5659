"""A pytest plugin that runs few cases of the suite, for each NPU of every file: ``-p tests.conformance.sample``.

It works on what was collected, so that it sees marks and needs no process of its own to collect.
"""

import pytest

from tests.conformance.suite import concerns
from tui.toolchain import boards

MANY = 15
"""A file of that many cases for an NPU is worth two of them."""

DULL = ("zero", "ones", "not_delegated", "not_supported")
"""Inputs with which a wrong kernel may well give the right outputs, and graphs that never come to a kernel."""

SLOW = ("bigger_than_input",)
"""Half a minute each in the compiler, where others take two seconds."""


def _runs(item: pytest.Item) -> bool:
    """True if a case should run and pass. Marks with a condition depend on what is installed."""
    marks = [mark for name in ("xfail", "skip") for mark in item.iter_markers(name)]
    return not any("condition" not in mark.kwargs and not mark.args for mark in marks)


def chosen(cases: list[pytest.Item]) -> list[pytest.Item]:
    """The cases of a file and NPU to run: the first, and of many the one amid them, often of another data type."""
    sound = [case for case in cases if _runs(case) and not any(word in case.name for word in SLOW)]
    telling = [case for case in sound if not any(word in case.name for word in DULL)] or sound
    return [telling[0], telling[len(telling) // 2]] if len(telling) >= MANY else telling[:1]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    of_npu: dict[tuple[str, ...], list[pytest.Item]] = {}
    for item in items:
        npus = (board.npu.accelerator for board in boards.BOARDS if concerns(item.name, board))
        of_npu.setdefault((item.location[0], *npus), []).append(item)
    items[:] = [item for cases in of_npu.values() for item in chosen(cases)]
