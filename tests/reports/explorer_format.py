"""Model Explorer's file formats as it reads them: every list of a node has to be there, and no name but these."""

from typing import Any

import msgspec


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    """Base of all parts."""


class NodeIds(Strict):
    type: str
    nodeIds: list[str]


class KeyValue(Strict):
    key: str
    value: str | NodeIds


class Metadata(Strict):
    id: str
    attrs: list[KeyValue]


class IncomingEdge(Strict):
    sourceNodeId: str
    sourceNodeOutputId: str
    targetNodeInputId: str


class Node(Strict):
    id: str
    label: str
    namespace: str
    subgraphIds: list[str]
    attrs: list[KeyValue]
    incomingEdges: list[IncomingEdge]
    outputsMetadata: list[Metadata]
    inputsMetadata: list[Metadata]


class Graph(Strict):
    id: str
    nodes: list[Node]
    groupNodeAttributes: dict[str, dict[str, str]]


class Collection(Strict):
    label: str
    graphs: list[Graph]


class Result(Strict):
    value: int | float | str
    bgColor: str | None = None


class Stop(Strict):
    stop: float
    bgColor: str


class NodeData(Strict):
    name: str
    results: dict[str, Result]
    gradient: list[Stop] = []
    hideAggregatedStats: list[str] = []
    hideInAggregatedStatsTable: bool = False
    showExpandedSummaryOnGroupNode: bool = False
    showLabelCountColumnsInChildrenStatsTable: bool = False


def graph(document: Any) -> Graph:
    """The one graph of a collection, checked: ids are unique, and edges begin at an output that is there."""
    (found,) = msgspec.convert(msgspec.json.decode(msgspec.json.encode(document)), Collection).graphs
    ids = [node.id for node in found.nodes]
    assert len(ids) == len(set(ids))
    assert {edge.sourceNodeId for node in found.nodes for edge in node.incomingEdges} <= set(ids)
    return found


def node_data(document: Any, of: Graph) -> NodeData:
    """The values of a graph's nodes, checked: each is of a node that is there."""
    read = msgspec.convert(msgspec.json.decode(msgspec.json.encode(document)), dict[str, NodeData])
    assert set(read) == {of.id} and set(read[of.id].results) <= {node.id for node in of.nodes}
    gradient = read[of.id].gradient
    assert not gradient or (gradient[0].stop, gradient[-1].stop) == (0, 1)
    return read[of.id]
