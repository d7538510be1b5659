"""A run for Model Explorer: as many nodes and values as the run has, edges of its program, formats as they are read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.app import fakes
from tests.conftest import Fvp, Ran, taken_over
from tests.reports import explorer_format as read
from tui.reports import export, model_explorer
from tui.run import store
from tui.run.figures import Operator, TensorPlace
from tui.run.state import State

Made = dict[str, Any]


def exported(directory: Path, folder: Path) -> Made:
    """The files of a run by their suffix."""
    found = export.documents(directory, "model-explorer", folder / "x.graph.json")
    return {path.name.split(".")[1]: json.loads(content) for path, content in found.items()}


@pytest.fixture(scope="module")
def split(ran: Callable[..., Ran], tmp_path_factory: pytest.TempPathFactory) -> tuple[State, Made]:
    """A run of three partitions with steps on the CPU between them."""
    directory = ran("sample:split").directory
    return store.load(directory), exported(directory, tmp_path_factory.mktemp("explorer"))


def test_nodes_and_values_are_those_of_the_run(split: tuple[State, Made]) -> None:
    state, made = split
    graph = read.graph(made["graph"])
    on_cpu = [step for step in state.cpu.operators if step.partition is None]
    assert len(graph.nodes) == len(state.operators) + len(on_cpu) + 2
    tensors = [one for node in graph.nodes for output in node.outputsMetadata for one in output.attrs]
    assert sum(one.key.startswith("tensor") for one in tensors) == len(state.tensors)
    figures = {
        "cycles": [o.cycles for o in state.operators],
        "utilization": [o.utilization for o in state.operators],
        "bound": [o.bound for o in state.operators],
        "placement": [*state.operators, *on_cpu],
        "traced": [o.traced_cycles for o in state.operators],
    }
    for suffix, values in figures.items():
        results = read.node_data(made[suffix], graph).results
        assert len(results) == sum(value is not None for value in values), suffix
    cycles = read.node_data(made["cycles"], graph)
    assert "estimated" in cycles.name
    assert sum(one.value for one in cycles.results.values()) == sum(o.cycles or 0 for o in state.operators)
    assert {one.value for one in read.node_data(made["placement"], graph).results.values()} == {
        "CPU", "NPU partition 0", "NPU partition 1", "NPU partition 2",
    }  # fmt: skip


def test_edges_lead_from_the_input_through_all_partitions_to_the_output(split: tuple[State, Made]) -> None:
    _, made = split
    nodes = {node.id: node for node in read.graph(made["graph"]).nodes}
    order = list(nodes)
    reached, last = {"GraphInputs"}, order[-1]
    for node in nodes.values():
        sources = {edge.sourceNodeId for edge in node.incomingEdges}
        assert sources or node.id == "GraphInputs", f"{node.id} takes nothing"
        assert sources <= reached, "nodes stand in the order they run"
        reached.add(node.id)
    assert last == "GraphOutputs" and len(nodes[last].incomingEdges) == 1
    # Two slices of one tensor go to atan2, each by a conversion of its own.
    labels = {id: node.label for id, node in nodes.items()}
    (atan2,) = [node for node in nodes.values() if "atan2" in node.label]
    before = [edge.sourceNodeId for edge in atan2.incomingEdges]
    slices = [edge.sourceNodeId for id in before for edge in nodes[id].incomingEdges]
    assert len(set(before)) == 2 and [labels[id] for id in slices] == ["MemoryCopy", "MemoryCopy"]


def test_what_is_done_in_passing_names_the_operator_that_does_it(split: tuple[State, Made]) -> None:
    state, made = split
    nodes = {node.id: node for node in read.graph(made["graph"]).nodes}
    fused = [(at, o.fused_into) for at, o in enumerate(state.operators) if o.fused_into is not None]
    assert fused
    for at, leader in fused:
        values = {one.key: one.value for one in nodes[model_explorer.operator_id(at)].attrs}
        assert values["done in passing by"] == read.NodeIds("node_ids", [model_explorer.operator_id(leader)])


def test_a_run_without_its_program_has_nodes_but_no_edges_and_says_why(home: Path, tmp_path: Path) -> None:
    directory = fakes.whole()
    made = exported(directory, tmp_path)
    graph = read.graph(made["graph"])
    assert len(graph.nodes) == 6 + 2 and not any(node.incomingEdges for node in graph.nodes)
    assert any("flow of data is not known" in text for text in graph.groupNodeAttributes[""].values())
    (directory / store.ARTIFACTS / store.MODEL).write_bytes(b"no program at all")
    assert "flow of data is not known" in json.dumps(exported(directory, tmp_path)["graph"])
    assert "instructions" not in made and len(made["bound"]["program"]["results"]) == 0


def test_names_from_outside_are_cleaned_and_add_no_layers(home: Path) -> None:
    bad = fakes.HOSTILE
    state = State(
        operators=(Operator(name=bad, op=bad, module=f"a/b.{bad}", line=bad, bound=bad, total_cycles=3, time=0),),
        tensors=(TensorPlace(**{**msgspec.structs.asdict(fakes.tensor("t", 0, 1, 0, 8)), "name": bad}),),
    )
    made = model_explorer.documents(state, None, "not looked for")
    text = msgspec.json.encode(made).decode()
    assert not any(code in text for code in ("\\u001b", "\x1b", "\\u0000", "\u202e"))
    (node,) = read.graph(made["graph"]).nodes
    assert node.namespace.startswith("a_b/")
    assert "tensors that no node is known to make" not in read.graph(made["graph"]).groupNodeAttributes[""]


def test_the_command_writes_files_beside_each_other(fvp_tui: Fvp, ran: Any, home: Path, tmp_path: Path) -> None:
    run = taken_over(ran("sample:digits"), home)
    done = fvp_tui("export", run, "--format", "model-explorer", "-o", str(tmp_path / "net.json"))
    written = done.stderr.splitlines()
    assert done.returncode == 0 and done.stdout == "" and written[0] == str(tmp_path / "net.graph.json")
    assert sorted(written) == sorted(map(str, tmp_path.glob("net.*")))
    assert {Path(name).name for name in written} >= {f"net.{s}.json" for s in ("cycles", "utilization", "bound")}


def test_several_files_do_not_go_to_standard_output_and_nothing_is_no_graph(fvp_tui: Fvp, tmp_path: Path) -> None:
    fakes.failed()
    for arguments, said in (([], "several files"), (["-o", str(tmp_path / "a.graph.json")], "no operators to draw")):
        done = fvp_tui("export", "last", "--format", "model-explorer", *arguments)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1) and said in done.stderr
    assert list(tmp_path.glob("*.json")) == []
