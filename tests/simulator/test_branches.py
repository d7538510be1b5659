"""Branches of a command stream: what an inference does follows its own inputs, not those of the inference before."""

from dataclasses import replace

import numpy as np
import pytest

from tests.simulator.tosa_graphs import Graph, compile_graph
from tui.simulator import npu
from tui.simulator.ethosu.stream import Stream

VALUES = 16
BYTES = 4 * VALUES
CONDITION, PAYLOAD, TAKEN, NOT_TAKEN = (place * BYTES for place in range(4))
"""Where in the scratch memory things are, in bytes."""

WIDE = 1 << 14
SET_IFM_BASE0, SET_OFM_BASE0, BRANCH_IF_TRUE = WIDE, WIDE | 16, WIDE | 256 | 1 << 16


@pytest.fixture(scope="module")
def forked(tmp_path_factory: pytest.TempPathFactory) -> Stream:
    """ABS of the condition onto itself, then ABS of the payload: where to, the condition decides.

    Both ways come to the second operation at the same place and after as many others; its registers differ.
    """
    graph = Graph()
    given = graph.input((1, 1, 1, VALUES), "int32")
    graph.output(graph.add("ABS", [given], given.shape, "int32"))
    stream = npu.parse(compile_graph(graph, tmp_path_factory.mktemp("abs")).files["cmd_data"].tobytes())
    *begin, operation, stop = stream.words.tolist()
    rest = [SET_IFM_BASE0, PAYLOAD, SET_OFM_BASE0, TAKEN]
    branch = len(begin) + 1 + len(rest)
    after = branch + 4
    words = [*begin, operation, *rest, BRANCH_IF_TRUE, 4 * after, SET_OFM_BASE0, NOT_TAKEN, operation, stop]
    return replace(stream, words=np.array(words, np.uint32))


def memory(condition: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    scratch = np.zeros(4 * BYTES, np.uint8)
    scratch[CONDITION : CONDITION + 4].view(np.int32)[0] = condition
    scratch[PAYLOAD : PAYLOAD + BYTES].view(np.int32)[:] = -1 - np.arange(VALUES)
    return scratch


def test_each_inference_goes_its_own_way(forked: Stream) -> None:
    engine = npu.load(forked, b"")
    for condition in (0, 3, -5, 0, 0, 1):
        scratch = memory(condition)
        engine.run(scratch)
        went, other = (TAKEN, NOT_TAKEN) if condition else (NOT_TAKEN, TAKEN)
        np.testing.assert_array_equal(scratch[went : went + BYTES].view(np.int32), 1 + np.arange(VALUES))
        assert not scratch[other : other + BYTES].any()
