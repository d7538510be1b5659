"""Load a run's graph and node data with Model Explorer's own package, and count: ``make viewers``.

The package is in a virtual environment of its own, whose Python is given: its full requirements are half a gigabyte,
and its reader needs little of that.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.conftest import TUI, environment
from tui.run import store

MODELS = (
    ("sample:digits",),
    ("sample:split",),
    ("sample:digits", "--target", "ethos-u55-128"),
    ("sample:transformer",),
)
READER = Path(__file__).with_name("reader.py")


def main() -> int:
    """Run the models, export them, and have them read."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", required=True, help="Python with ai-edge-model-explorer")
    python = parser.parse_args().python
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        os.environ["FVP_TUI_HOME"] = str(home)
        for at, (model, *options) in enumerate(MODELS):
            _call("run", model, *options, home=home)
            graph = Path(folder) / f"{at}.graph.json"
            _call("export", "last", "--format", "model-explorer", "-o", str(graph), home=home)
            state = store.load(store.resolve("last"))
            files = [str(path) for path in sorted(graph.parent.glob(f"{at}.*.json")) if path != graph]
            read = subprocess.run([python, READER, graph, *files], stdout=subprocess.PIPE, text=True, check=True)
            found = json.loads(read.stdout)
            steps = [step for step in state.cpu.operators if step.partition is None]
            expected = {
                "nodes": len(state.operators) + len(steps) + 2,
                "tensors": len(state.tensors),
                "cycles": sum(operator.cycles is not None for operator in state.operators),
                "utilization": sum(operator.utilization is not None for operator in state.operators),
                "bound": sum(operator.bound is not None for operator in state.operators),
                "placement": len(state.operators) + len(steps),
            }
            same = all(found[name] == count for name, count in expected.items())
            wrong += not same
            print(f"{' '.join((model, *options))}: {'read' if same else 'NOT THE RUN'}: {found}, of the run {expected}")
    return 1 if wrong else 0


def _call(*arguments: str, home: Path) -> None:
    subprocess.run([*TUI, *arguments], env=environment(home), check=True, capture_output=True, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
