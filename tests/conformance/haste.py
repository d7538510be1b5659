"""A pytest plugin that lowers cases without what has no influence on programs: ``-p tests.conformance.haste``."""

import gc
from collections.abc import Generator

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems() -> None:
    # Torch leaves millions of objects behind that live as long as the process: a sixth of the time goes into looking.
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop() -> Generator[None, object, object]:
    # Only now: a file of the suite may look at what is imported.
    from tests.differential import lowering

    with lowering.in_haste(lazy=False):
        return (yield)
