"""A run for Google's Model Explorer: its graph, and a file of values for each figure that nodes can be coloured by.

A node is an operator inside the NPU's part, or a step that the CPU does; layers are the model's modules. Edges are the
program's own data flow (`tui.analysis.dataflow`). The format is that of the package ``ai-edge-model-explorer``: a graph
collection, and node data by the graph's id.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tui.analysis.flow import Flow, Place
from tui.reports import memory, node_data
from tui.reports.execution import estimated_by
from tui.reports.format import UNKNOWN, kib_words, ms, number, percentage
from tui.reports.memory_use import story
from tui.reports.operators import limiter, needs_words
from tui.reports.ribbon import BOOKKEEPING
from tui.reports.text import status_line, title
from tui.run.derived import badge
from tui.run.figures import Operator, PlanStep, TensorPlace
from tui.run.state import State
from tui.text import clean

Json = dict[str, Any]

GRAPH = "program"
"""Id of the graph."""
INPUTS, OUTPUTS = "GraphInputs", "GraphOutputs"
"""Ids of the nodes for the program's inputs and outputs: those that Model Explorer's own adapters have."""
NAME, SHAPE = "__tensor_tag", "shape"
"""Keys of an output's name and shape, which Model Explorer shows on edges."""

Metadata = dict[str, dict[str, str]]
"""Attributes by the number of an output."""


@dataclass(frozen=True)
class Node:
    """A node and what it stands for, an operator or a step."""

    id: str
    operator: Operator | None = None
    step: PlanStep | None = None

    @property
    def module(self) -> str:
        """Path of the nn.Module; empty where it is the model itself, or not known."""
        found = self.operator.module if self.operator is not None else self.step.module if self.step else None
        return found or ""

    @property
    def placement(self) -> str:
        """``NPU``, with its partition, or ``CPU``."""
        if self.operator is not None:
            return f"NPU partition {self.operator.partition}"
        return "CPU" if self.step is None or self.step.partition is None else f"NPU partition {self.step.partition}"


def operator_id(at: int) -> str:
    """Id of an operator's node."""
    return f"npu {at}"


def step_id(at: int) -> str:
    """Id of a step's node."""
    return f"cpu {at}"


def nodes(state: State) -> list[Node]:
    """The operators on the NPU and the steps of the plan that are no bookkeeping, in the order they run.

    A call of the NPU is a node only where its operators are not known.
    """
    found: list[Node] = []
    own: dict[int, list[Node]] = {}
    for at, operator in enumerate(state.operators):
        own.setdefault(operator.partition, []).append(Node(operator_id(at), operator=operator))
    known = frozenset(own)
    for at, step in enumerate(state.cpu.operators):
        if step.partition in known:
            found += own.pop(step.partition, [])
        elif step.op not in BOOKKEEPING:
            found.append(Node(step_id(at), step=step))
    return [*found, *(node for partition in own.values() for node in partition)]


def documents(state: State, flow: Flow | None, why_not: str = "") -> dict[str, Json]:
    """All files by their suffix: ``graph``, then the values.

    Without a flow there are no edges, and `why_not` is the reason.
    """
    found = nodes(state)
    documents_ = {"graph": graph(state, found, flow, why_not)}
    for overlay in node_data.OVERLAYS:
        values = {node.id: value for node in found if (value := overlay.value(node.operator, node.step)) is not None}
        if values or overlay.always:
            documents_[overlay.suffix] = {GRAPH: node_data.document(overlay, values, overlay.name(state))}
    return documents_


def graph(state: State, found: Sequence[Node], flow: Flow | None, why_not: str = "") -> Json:
    """The graph, as a collection of one."""
    present = {node.id for node in found}
    incoming = _incoming(flow, present) if flow is not None else {}
    outputs, homeless = _outputs(state, flow, present)
    drawn = [
        _node(
            node.id,
            _label(node),
            _namespace(node.module),
            attrs=[{"key": key, "value": value} for key, value in _attributes(state, node)],
            incomingEdges=incoming.get(node.id, []),
            outputsMetadata=_metadata(outputs.get(node.id, {})),
        )
        for node in found
    ]
    first = _node(INPUTS, INPUTS, outputsMetadata=_metadata(outputs.get(INPUTS, {})))
    last = _node(OUTPUTS, OUTPUTS, incomingEdges=incoming.get(OUTPUTS, []))
    attributes = dict(_of_run(state, flow, why_not, homeless))
    made = {
        "id": GRAPH,
        "nodes": [first, *drawn, last] if flow is not None else drawn,
        "groupNodeAttributes": {"": attributes},
    }
    return {"label": clean(state.run.id, 100), "graphs": [made]}


def _node(id: str, label: str, namespace: str = "", **lists: list[Json]) -> Json:
    """A node with all of its lists: Model Explorer asks for each."""
    empty: Json = {"subgraphIds": [], "attrs": [], "incomingEdges": [], "outputsMetadata": [], "inputsMetadata": []}
    return {"id": id, "label": label, "namespace": namespace, **empty, **lists}


def _label(node: Node) -> str:
    if node.operator is not None:
        return clean(node.operator.op, 60) or UNKNOWN
    assert node.step is not None
    return clean(node.step.name if node.step.partition is not None else node.step.op, 60) or UNKNOWN


def _namespace(module: str) -> str:
    """Modules as layers: ``features/0``."""
    return "/".join(clean(part, 60).replace("/", "_").replace(";", "_") for part in module.split(".") if part)


# -- edges


def _id(place: Place) -> str:
    names = {"input": INPUTS, "output": OUTPUTS, "operator": operator_id(place.at), "step": step_id(place.at)}
    return names[place.kind]


def _incoming(flow: Flow, present: set[str]) -> dict[str, list[Json]]:
    """Edges by the node they lead to."""
    found: dict[str, list[Json]] = {}
    for edge in flow.edges:
        source, target = _id(edge.source), _id(edge.target)
        if {source, target} <= present | {INPUTS, OUTPUTS}:
            output = edge.source.at if edge.source.kind == "input" else edge.output
            at = edge.target.at if edge.target.kind == "output" else edge.input
            ends = {"sourceNodeId": source, "sourceNodeOutputId": str(output), "targetNodeInputId": str(at)}
            found.setdefault(target, []).append(ends)
    return found


# -- values


def _outputs(state: State, flow: Flow | None, present: set[str]) -> tuple[dict[str, Metadata], int]:
    """Outputs of the nodes, with the NPU's tensors; and the number of tensors that no node is known to make."""
    found: dict[str, Metadata] = {}
    for (place, output), (dtype, shape) in (flow.shapes if flow is not None else {}).items():
        at = place.at if place.kind == "input" else output
        found.setdefault(_id(place), {})[str(at)] = {SHAPE: shape, "type": dtype}
    for at, operator in enumerate(state.operators):
        if operator.ofm_shape:
            found.setdefault(operator_id(at), {})["0"] = {SHAPE: "x".join(map(str, operator.ofm_shape))}
    homeless = 0
    places = {id(operator): operator_id(at) for at, operator in enumerate(state.operators)}
    for area in memory.areas(state.tensors):
        for tensor in area.tensors:
            told = story(area, tensor, state.operators)
            ports = () if flow is None else flow.ports.get((tensor.partition, tensor.address), ())
            home = next((_id(port) for port in ports), None) if told.is_input else places.get(id(told.writer))
            if home is None or home not in {*present, INPUTS}:
                homeless += 1
            else:
                _add(found.setdefault(home, {}).setdefault("0", {}), tensor)
    return found, homeless


def _add(output: dict[str, str], tensor: TensorPlace) -> None:
    """Name a tensor of the NPU with an output; another one of the same goes by its number."""
    count = sum(key.startswith("tensor") for key in output)
    output.setdefault(NAME, clean(tensor.name, 80))
    output["tensor" if not count else f"tensor {count + 1}"] = tensor_words(tensor)


def tensor_words(tensor: TensorPlace) -> str:
    """``tosa_rescale_default in Sram at 0x400, 2.0 KiB, steps 2 to 5``."""
    where = f"{clean(tensor.memory, 20)} at {tensor.address:#x}, {kib_words(tensor.bytes / 1024)}"
    return f"{clean(tensor.name, 80)} in {where}, steps {tensor.start} to {tensor.end}"


def _metadata(outputs: Metadata) -> list[Json]:
    return [
        {"id": at, "attrs": [{"key": key, "value": value} for key, value in attributes.items()]}
        for at, attributes in outputs.items()
    ]


# -- attributes


def _attributes(state: State, node: Node) -> Iterator[tuple[str, str | Json]]:
    """Attributes of a node, in words; what is not known is left out."""
    pairs: Mapping[str, str | Json | None]
    if node.operator is not None:
        pairs = _of_operator(state, node.operator)
    else:
        assert node.step is not None
        pairs = _of_step(node.step)
    yield "placement", node.placement
    yield from ((key, value) for key, value in pairs.items() if value)


def _of_operator(state: State, operator: Operator) -> Mapping[str, str | Json | None]:
    fused = operator.fused_into
    by = estimated_by(state)
    return {
        "name": clean(operator.name, 200),
        "source line": clean(operator.line or "", 200),
        "cycles": None if operator.cycles is None else f"{number(operator.cycles)}, estimated by {by}",
        "cycles without memory": None if operator.npu_cycles is None else number(operator.npu_cycles),
        "cycles traced": _traced(operator),
        "limited by": limiter(operator),
        "cycles needed": needs_words(operator),
        "MAC use": None if operator.utilization is None else percentage(operator.utilization),
        "MACs": None if operator.macs is None else number(operator.macs),
        "SRAM": None if operator.sram_kib is None else kib_words(operator.sram_kib),
        "input shape": "x".join(map(str, operator.ifm_shape)),
        "output shape": "x".join(map(str, operator.ofm_shape)),
        "NPU commands": None if operator.npu_commands is None else number(operator.npu_commands),
        "done in passing by": None if fused is None else {"type": "node_ids", "nodeIds": [operator_id(fused)]},
    }


def _traced(operator: Operator) -> str | None:
    if operator.traced_cycles is None:
        return None
    return f"{number(operator.traced_cycles)}, {operator.traced_source or 'source not known'}"


def _of_step(step: PlanStep) -> Mapping[str, str | Json | None]:
    source = step.source or "source not known"
    return {
        "name": clean(step.name, 200),
        "source line": clean(step.line or "", 200),
        "CPU instructions": None if step.instructions is None else f"{number(step.instructions)}, {source}",
    }


def _of_run(state: State, flow: Flow | None, why_not: str, homeless: int) -> Iterator[tuple[str, str]]:
    """Attributes of the graph as a whole, shown where no node is chosen."""
    yield "run", clean(state.run.id, 100)
    yield "program", title(state)
    yield "status", status_line(state)
    yield "platform", badge(state) or "no platform was started"
    if state.estimate is not None:
        cycles = f"{number(state.estimate.total_cycles)} cycles, {ms(state.estimate.inference_ms)}"
        yield "estimate", f"{cycles}, estimated by {estimated_by(state)}"
    yield "operators on the NPU", number(len(state.operators))
    yield "tensors of the NPU", number(len(state.tensors))
    if homeless:
        yield "tensors that no node is known to make", number(homeless)
    missing = [*(flow.notes if flow is not None else ()), *([why_not] if flow is None and why_not else [])]
    for at, note in enumerate([*missing, *state.notes]):
        yield f"note {at + 1}", clean(note, 400)
