"""References of a network that Vela reads by itself: ``python -m tui.compile.network_refs NETWORK ARTIFACTS``.

A .tflite is computed by Google's LiteRT interpreter with its reference kernels, a .tosa by Arm's TOSA reference model.
Either may crash on a file that is not sound: this is a process of its own. One line on standard output says why there
is no reference.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tui.errors import one_line
from tui.model import tensors
from tui.model.tensors import Manifest, NDArray

NOTHING = 3
"""Exit status where there is no reference."""

NO_LITERT = "Google's LiteRT interpreter is not installed: pip install 'fvp-tui[tflite]'"
NO_TOSA = "Arm's TOSA reference model is not installed: pip install 'fvp-tui[compile]'"


class Unavailable(Exception):
    """There is no reference; one line says why."""


def _litert(network: Path, samples: Sequence[Sequence[NDArray]]) -> Iterator[list[NDArray]]:
    """Outputs by LiteRT's reference kernels, which the NPU's arithmetic follows; the usual ones round otherwise.

    Raises:
        Unavailable: it is not installed, or cannot run the network.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    except ImportError as error:
        raise Unavailable(NO_LITERT) from error
    try:
        interpreter = Interpreter(str(network), experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
        interpreter.allocate_tensors()
        for arrays in samples:
            for place, array in zip(interpreter.get_input_details(), arrays, strict=True):
                interpreter.set_tensor(place["index"], array)
            interpreter.invoke()
            yield [interpreter.get_tensor(place["index"]).copy() for place in interpreter.get_output_details()]
    except (RuntimeError, ValueError) as error:
        raise Unavailable(f"LiteRT cannot run the network: {one_line(error)}") from error


def _tosa(network: Path, samples: Sequence[Sequence[NDArray]]) -> Iterator[list[NDArray]]:
    """Outputs by the TOSA reference model.

    Raises:
        Unavailable: it is not installed, or cannot run the graph.
    """
    try:
        import tosa_reference_model as model
    except ImportError as error:
        raise Unavailable(NO_TOSA) from error
    graph = network.read_bytes()
    for arrays in samples:
        try:
            results, status = model.run(graph, list(arrays), verbosity="NONE")
        except (RuntimeError, ValueError, TypeError) as error:
            raise Unavailable(f"the TOSA reference model cannot run the graph: {one_line(error)}") from error
        _check_status(model, status)
        yield list(results)


def _check_status(model: ModuleType, status: Any) -> None:
    if status == model.GraphStatus.TOSA_UNPREDICTABLE:
        raise Unavailable("for these inputs the graph's result is undefined, says the TOSA reference model")
    if status != model.GraphStatus.TOSA_VALID:
        raise Unavailable(f"the TOSA reference model says {status.name}")


def _samples(artifacts: Path, manifest: Manifest) -> list[list[NDArray]]:
    with np.load(artifacts / tensors.INPUTS) as packed:
        return [
            [tensors.from_bytes(packed[f"{k}_{at}"].tobytes(), info) for at, info in enumerate(manifest.inputs)]
            for k in range(manifest.samples)
        ]


def write(network: Path, artifacts: Path) -> None:
    """Write the references of a run into its artifacts.

    Raises:
        Unavailable: there are none.
    """
    manifest = tensors.read_manifest(artifacts)
    kind, compute = ("tosa", _tosa) if network.suffix == ".tosa" else ("litert", _litert)
    packed: dict[str, NDArray] = {}
    for k, outputs in enumerate(compute(network, _samples(artifacts, manifest))):
        if len(outputs) != len(manifest.outputs):
            raise Unavailable(f"the reference gives {len(outputs)} outputs, the program {len(manifest.outputs)}")
        for j, (output, info) in enumerate(zip(outputs, manifest.outputs, strict=True)):
            if output.size != int(np.prod(info.shape, dtype=np.int64)):
                raise Unavailable(
                    f"output {j} of the reference has the shape {output.shape}, the program's {info.shape}"
                )
            packed[f"{kind}_{k}_{j}"] = output.reshape(info.shape)
    np.savez_compressed(artifacts / tensors.REFERENCES, **packed)


def main() -> None:
    """Write the references, or say why there are none."""
    said = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace")
    # What libraries print is no reason.
    os.dup2(2, 1)
    try:
        write(Path(sys.argv[1]), Path(sys.argv[2]))
    except Unavailable as error:
        said.write(f"{error}\n")
        said.flush()
        sys.exit(NOTHING)


if __name__ == "__main__":
    main()
