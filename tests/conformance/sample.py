"""A pytest plugin that runs few cases of the suite, one or two of every file: ``-p tests.conformance.sample``.

It works on what was collected, so that it sees marks and needs no process of its own to collect.
"""

import pytest

from tests.conformance.suite import concerns
from tui.toolchain import boards

MANY = 15
"""A file of that many cases for an NPU is worth one for each NPU; others are for one NPU, by turns."""

DULL = ("zero", "ones", "not_delegated", "not_supported")
"""Inputs with which a wrong kernel may well give the right outputs, and graphs that never come to a kernel."""

SLOW = ("bigger_than_input",)
"""Half a minute each in the compiler, where others take two seconds."""


def _runs(item: pytest.Item) -> bool:
    """True if a case should run and pass. Marks with a condition depend on what is installed."""
    marks = [mark for name in ("xfail", "skip") for mark in item.iter_markers(name)]
    return not any("condition" not in mark.kwargs and not mark.args for mark in marks)


def chosen(cases: list[pytest.Item]) -> pytest.Item | None:
    """The case of a file and NPU to run, if any should pass: the first with inputs that tell."""
    sound = [case for case in cases if _runs(case) and not any(word in case.name for word in SLOW)]
    telling = [case for case in sound if not any(word in case.name for word in DULL)]
    return next(iter(telling or sound), None)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    of_file: dict[str, dict[tuple[str, ...], list[pytest.Item]]] = {}
    for item in items:
        npus = tuple(board.npu.accelerator for board in boards.BOARDS if concerns(item.name, board))
        of_file.setdefault(item.location[0], {}).setdefault(npus, []).append(item)
    kept = []
    for turn, of_npus in enumerate(of_file.values()):
        many = max(map(len, of_npus.values())) >= MANY
        found = [case for cases in of_npus.values() if (case := chosen(cases))]
        kept += found if many or not found else [found[turn % len(found)]]
    items[:] = kept
