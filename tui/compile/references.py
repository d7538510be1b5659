"""References of a run: its inputs, and the outputs of float model, quantized model and lowered program for them."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from executorch.exir import EdgeProgramManager, ExecutorchProgramManager
from torch.export import ExportedProgram
from torch.export.graph_signature import OutputKind
from torch.fx import Node

from tui.compile import mutation, spread
from tui.compile.graph.places import place_of
from tui.compile.inputs import Inputs, leaves
from tui.compile.samples import Samples
from tui.model import tensors
from tui.model.tensors import Manifest, NDArray, TensorInfo

_DTYPES = {
    torch.float32: "float32",
    torch.float64: "float64",
    torch.float16: "float16",
    torch.uint8: "uint8",
    torch.int8: "int8",
    torch.int16: "int16",
    torch.int32: "int32",
    torch.int64: "int64",
    torch.bool: "bool",
}

_SCALAR_TYPES = {0: "uint8", 1: "int8", 2: "int16", 3: "int32", 4: "int64", 5: "float16", 6: "float32", 7: "float64"}
_BOOL = 11
"""ScalarType codes of the .pte schema (executorch/schema/scalar_type.fbs)."""


def _array(value: object) -> NDArray:
    if isinstance(value, torch.Tensor):
        return np.asarray(value.detach().cpu().numpy())
    return np.asarray(value)


def _outputs(
    module: torch.nn.Module, samples: Sequence[Inputs], buffers: Sequence[str], returned: Sequence[int]
) -> list[list[NDArray]]:
    def of_part(part: Sequence[Inputs]) -> list[list[NDArray]]:
        inferences = mutation.run(module, part, buffers, returned=returned)
        return [[_array(tensor) for tensor in outputs] for outputs in inferences]

    return list(itertools.chain.from_iterable(spread.over(samples, of_part, apart=not buffers)))


def output_steps(edge: EdgeProgramManager) -> list[float | None]:
    """The quantization step of each output that the program dequantizes at its end; None for any other."""
    program = edge.exported_program()
    (results,) = program.graph_module.graph.output_node().args
    steps: list[float | None] = []
    for node, spec in zip(results, program.graph_signature.output_specs, strict=True):
        if spec.kind not in (OutputKind.USER_OUTPUT, OutputKind.USER_INPUT_MUTATION):
            continue
        quantized = hasattr(node, "target") and "dequantize_per_tensor" in str(node.target)
        scale = node.args[1] if quantized and len(node.args) > 1 else None
        steps.append(float(scale) if isinstance(scale, int | float) else None)
    return steps


def _signature(program: ExecutorchProgramManager, ids: list[int], steps: list[float | None]) -> tuple[TensorInfo, ...]:
    values = program.executorch_program.execution_plan[0].values
    infos = []
    for at, step in zip(ids, steps, strict=True):
        tensor = values[at].val
        if not hasattr(tensor, "sizes"):
            continue  # a number among the inputs: runners take only tensors
        code = int(tensor.scalar_type)
        infos.append(
            TensorInfo(
                dtype="bool" if code == _BOOL else _SCALAR_TYPES[code],
                shape=tuple(int(n) for n in tensor.sizes),
                dim_order=tuple(int(d) for d in tensor.dim_order),
                step=step,
            )
        )
    return tuple(infos)


def signature(
    program: ExecutorchProgramManager, steps: list[float | None]
) -> tuple[tuple[TensorInfo, ...], tuple[TensorInfo, ...]]:
    """Inputs and outputs of an emitted program; `steps` are the quantization steps of the outputs."""
    plan = program.executorch_program.execution_plan[0]
    if len(steps) != len(plan.outputs):
        steps = [None] * len(plan.outputs)
    return _signature(program, plan.inputs, [None] * len(plan.inputs)), _signature(program, plan.outputs, steps)


def unchecked(program: ExportedProgram) -> str | None:
    """The reason why no output of a model can be compared, which is that it draws random numbers; None without one."""
    for node in program.graph.nodes:
        if _draws(node):
            place = place_of(node)
            at = f" at {place.line}" if place.line else ""
            return f"the model draws random numbers, {place.name}{at}: make them an input to have outputs compared"
    return None


def _draws(node: Node) -> bool:
    """True if a node draws random numbers, which dropout and attention do in training only."""
    if torch.Tag.nondeterministic_seeded not in getattr(node.target, "tags", ()):
        return False
    for place, argument in enumerate(node.target._schema.arguments):
        if argument.name in ("train", "training", "dropout_p"):
            value = node.args[place] if place < len(node.args) else argument.default_value
            return bool(node.kwargs.get(argument.name, value))
    return True


def write(
    folder: Path,
    samples: Samples,
    manifest: Manifest,
    float_model: torch.nn.Module,
    quantized_model: torch.nn.Module | None,
    exact_outputs: list[list[NDArray]] | None,
    *,
    buffers: Sequence[str] = (),
    returned: Sequence[int] = (),
) -> list[Path]:
    """Write manifest, inputs and references into `folder`; their paths.

    Without a quantized model the float model takes its place. `exact_outputs` are those of the lowered program.
    `buffers` are those the models change, `returned` the numbers of the inputs that the program gives back.
    """
    packed: dict[str, NDArray] = {}
    references: dict[str, NDArray] = {}
    exact = _outputs(float_model, samples.inputs, buffers, returned)
    quantized = exact if quantized_model is None else _outputs(quantized_model, samples.inputs, buffers, returned)
    for k, values in enumerate(samples.inputs):
        for i, (tensor, info) in enumerate(zip(leaves(values), manifest.inputs, strict=True)):
            data = tensors.to_bytes(_array(tensor).astype(info.dtype, copy=False), info.dim_order)
            packed[f"{k}_{i}"] = np.frombuffer(data, dtype=np.uint8)
        for j in range(len(manifest.outputs)):
            references[f"float_{k}_{j}"], references[f"quantized_{k}_{j}"] = exact[k][j], quantized[k][j]
            if exact_outputs is not None:
                references[f"tosa_{k}_{j}"] = exact_outputs[k][j]
    np.savez_compressed(folder / tensors.INPUTS, **packed)
    np.savez_compressed(folder / tensors.REFERENCES, **references)
    return [tensors.write_manifest(folder, manifest), folder / tensors.INPUTS, folder / tensors.REFERENCES]
