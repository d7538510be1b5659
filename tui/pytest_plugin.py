"""The pytest plugin: the fixture ``npu`` runs a model, and fails the test for what a limit or a comparison forbids."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tui.api import State

OPTION = "--fvp-tui-profile"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that names the profile of comparisons."""
    words = "by how much the figures of a run may be worse than its baseline's: a profile of fvp-tui compare (TOML)"
    parser.getgroup("fvp-tui").addoption(OPTION, metavar="FILE", default=None, help=words)


@pytest.fixture
def npu(request: pytest.FixtureRequest) -> "Callable[..., State]":
    """Run a model as `tui.run` does, with its arguments, and return the state.

    The test fails if the run fails or breaks a limit, and if a figure is worse than that of `baseline` - a state, the
    name of a run or its folder - by more than the profile of ``--fvp-tui-profile`` allows.
    """
    # Not before a test asks for it.
    from tui import api
    from tui.analysis.compare import read_profile
    from tui.reports.compare import regression_words

    file = request.config.getoption(OPTION)
    profile = api.Profile() if file is None else read_profile(Path(file))

    def run(model: Any, inputs: Any = None, *, baseline: Any = None, **options: Any) -> "State":
        try:
            state = api.run(model, inputs, **options)
        except api.UserError as error:
            pytest.fail(f"{type(error).__name__}: {error}", pytrace=False)
        if not state.ok:
            pytest.fail(f"{state.run.reason or state.run.status}\n\n{state}", pytrace=False)
        if baseline is not None:
            found = api.compare(baseline, state, profile)
            if found.regressions or not found.comparable:
                worse = [f"worse than {found.a}: {regression_words(one, profile)}" for one in found.regressions]
                pytest.fail("\n".join([*worse, "", str(found)]).lstrip(), pytrace=False)
        return state

    return run
