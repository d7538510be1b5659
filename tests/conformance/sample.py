"""A pytest plugin that runs few cases of the suite, of every file: ``-p tests.conformance.sample``.

It works on what was collected, so that it sees marks and needs no process of its own to collect.
"""

import gc
from collections.abc import Generator

import pytest

MANY = 15
"""A file of that many cases is worth two of them."""

DULL = ("zero", "ones")
"""Inputs with which a wrong kernel may well give the right outputs."""

SLOW = ("bigger_than_input",)
"""Half a minute each in the compiler, where others take two seconds."""


def _runs(item: pytest.Item) -> bool:
    """True if a case should run and pass. Marks with a condition depend on what is installed."""
    marks = [mark for name in ("xfail", "skip") for mark in item.iter_markers(name)]
    return not any("condition" not in mark.kwargs and not mark.args for mark in marks)


def chosen(cases: list[pytest.Item]) -> list[pytest.Item]:
    """The cases of one file to run: the first, and of many the one in the middle, often of another data type."""
    sound = [case for case in cases if _runs(case) and not any(word in case.name for word in SLOW)]
    telling = [case for case in sound if not any(word in case.name for word in DULL)] or sound
    return [telling[0], telling[len(telling) // 2]] if len(telling) >= MANY else telling[:1]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    by_file: dict[str, list[pytest.Item]] = {}
    for item in items:
        by_file.setdefault(item.location[0], []).append(item)
    items[:] = [item for cases in by_file.values() for item in chosen(cases)]
    # Torch leaves millions of objects behind that live as long as the process: a sixth of the time goes into looking.
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop() -> Generator[None, object, object]:
    """Cases are lowered without what has no influence on the program: a sample has little time."""
    # Only now: a file of the suite may look at what is imported.
    from tests.differential import lowering

    with lowering.in_haste(lazy=False):
        return (yield)
