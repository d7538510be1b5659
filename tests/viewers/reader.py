"""Read a graph and node data with Model Explorer's package alone, as its server does, and print what it has found.

Runs in that package's environment: it imports nothing of ours. GRAPH DATA...
"""

import json
import sys
from pathlib import Path
from typing import Any

import model_explorer
from dacite import Config, from_dict
from model_explorer.graph_builder import GraphCollection
from model_explorer.node_data_builder import GraphNodeData, ModelNodeData
from model_explorer.utils import convert_adapter_response

STRICT = Config(strict=True, strict_unions_match=False)


def main(graph: str, *files: str) -> None:
    """Read all and print counts."""
    text = Path(graph).read_text(encoding="utf-8")
    collection = from_dict(GraphCollection, json.loads(text), STRICT)
    # The way back is the one that graphs of its own adapters take to the page.
    (written,) = convert_adapter_response({"graphCollections": [collection]})["graphCollections"]
    config = model_explorer.config().add_model_from_path(graph)
    (only,) = collection.graphs
    outputs = [pair for node in only.nodes for output in node.outputsMetadata for pair in output.attrs]
    found: dict[str, Any] = {
        "nodes": len(written["graphs"][0]["nodes"]),
        "edges": sum(len(node.incomingEdges) for node in only.nodes),
        "tensors": sum(pair.key.startswith("tensor") for pair in outputs),
    }
    ids = {node.id for node in only.nodes}
    for file in files:
        read = json.loads(Path(file).read_text(encoding="utf-8"))
        # Its type says that values are numbers; its page takes words, too.
        loose = Config(strict=True, check_types=False)
        data = ModelNodeData({id: from_dict(GraphNodeData, part, loose) for id, part in read.items()})
        config.add_node_data(Path(file).name, data)
        kept = json.loads(data.to_json_string())[only.id]["results"]
        assert set(kept) <= ids, "values of nodes that are not there"
        found[Path(file).name.split(".")[1]] = len(kept)
    assert config.has_data_to_encode_in_url()
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
