"""Which earlier run tells what a spec would take: one that lowered the very same graphs."""

from pathlib import Path

import pytest

from tests.app import fakes
from tui.analysis import prediction
from tui.compile.graph.origins import TOSA
from tui.run import store


@pytest.mark.parametrize("change", [{"channels_last": True}, {"quantize": "a16w8"}, {"calibration": "/data"}])
def test_only_a_run_that_lowered_the_same_graphs_counts(home: Path, change: dict[str, object]) -> None:
    plain, other = fakes.spec_of(), fakes.spec_of(**change)
    for name, request in (("a", plain), ("b", other)):
        graph = fakes.make(name, request, []) / store.ARTIFACTS / "vela" / "partition-0" / TOSA
        graph.parent.mkdir(parents=True)
        graph.touch()
        found = prediction.lowered(request)
        assert found is not None and found.run.name == name
        assert found.graphs == (graph,)
        if request is plain:
            assert prediction.lowered(other) is None
