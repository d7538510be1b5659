"""Loading a model: its module, the inputs to run it on, and those to calibrate it on."""

import contextlib
import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch.export import ExportedProgram
from torch.utils import _pytree

from tui.compile import exporting
from tui.compile.diagnostics.failures import Problem
from tui.errors import UsageError, one_line
from tui.model import catalogue, datasets
from tui.model.datasets import Item
from tui.run.spec import Spec

Inputs = tuple[Any, ...]
"""One value for each input of a model: all but a few are tensors, or tuples of them."""

SEED = 0
"""Set before a model is loaded: one with random weights is then the same in every run."""


FOLDER = "--folder PATH names the folder that relative paths are meant for"
SAME = "python must be able to run the file in that folder"
EXITS = "the file is imported, without arguments: give those defaults, and call main() under __name__ == '__main__'"


@dataclass(frozen=True)
class Model:
    """A loaded model. `module` is in eval mode; `program` is set in its place for a .pt2."""

    module: Any
    example: Inputs
    dataset: Sequence[tuple[Inputs, int]] = ()
    """(inputs, label) pairs the model's file brings along."""
    calibration: Sequence[Inputs] = ()
    program: ExportedProgram | None = None
    folder: Path | None = None
    """Where its code runs: the folder it was loaded in, or went to then. None for one that brings no code."""

    @contextlib.contextmanager
    def at_home(self) -> Iterator[None]:
        """Be in its folder while its code runs."""
        with contextlib.nullcontext() if self.folder is None else _in(self.folder):
            yield


@dataclass(frozen=True)
class Samples:
    """The different inputs of a run, taken in turn by its inferences."""

    inputs: tuple[Inputs, ...]
    labels: tuple[int, ...]
    source: str


def _as_inputs(value: Any, what: str) -> Inputs:
    if isinstance(value, torch.Tensor):
        return (value,)
    if isinstance(value, tuple | list):
        return tuple(value)
    raise UsageError(f"{what} is a {type(value).__name__}, not a tuple of tensors")


@contextlib.contextmanager
def _in(folder: Path) -> Iterator[None]:
    """Run a model's code in a folder, and say of a file that it does not find where it was looked for.

    Raises:
        UsageError: there is no such folder.
        Problem: a file cannot be opened.
    """
    if not folder.is_dir():
        raise UsageError(f"no folder {folder}, in which the model is loaded", "--folder PATH loads it in another")
    with contextlib.chdir(folder):
        try:
            yield
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError) as error:
            name = error.filename if isinstance(error.filename, str) else None
            # Some libraries put it into the text only; and the code may have gone to another folder.
            here = _current(folder)
            if name is None:
                raise Problem(f"{type(error).__name__}: {one_line(error)}; it runs in {here}", SAME) from error
            if Path(name).is_absolute():
                raise
            raise Problem(f"{error.strerror}: {name} in {here}", FOLDER) from error


def _current(otherwise: Path) -> Path:
    """The current folder; `otherwise` where the model's code has gone to one that is deleted since."""
    try:
        return Path.cwd()
    except OSError:
        return otherwise


def _module(path: Path) -> ModuleType:
    """The module in a file, loaded as ``python FILE`` would, but not as the main program.

    Raises:
        Problem: it ends the program.
    """
    spec = importlib.util.spec_from_file_location("model_under_test", path)
    if spec is None or spec.loader is None:
        raise UsageError(f"cannot load {path}")
    module = importlib.util.module_from_spec(spec)
    sys.argv = [str(path)]
    sys.path.insert(0, str(path.parent))
    # Models are pickled by the name of their module, and one that was saved by a script knows its class as __main__'s.
    sys.modules[spec.name] = sys.modules["__main__"] = module
    # Processes of a data loader begin by loading the main program: from its file, not by this name.
    module.__spec__ = None
    try:
        spec.loader.exec_module(module)
    except SystemExit as error:
        raise Problem(f"{path.name} ends the program: sys.exit({error.code!r})", EXITS) from error
    except KeyboardInterrupt as error:
        raise Problem(f"{path.name} ends the program: KeyboardInterrupt", EXITS) from error
    except ModuleNotFoundError as error:
        hint = f"install it in {sys.prefix}, or put it beside {path.name} or on PYTHONPATH"
        raise Problem(str(error), hint) from error
    return module


def _from_file(path: Path, folder: Path) -> Model:
    with _in(folder):
        model = _defined(path, _module(path))
        # Where the code that runs later finds itself.
        return replace(model, folder=_current(folder))


def _defined(path: Path, module: ModuleType) -> Model:
    """The model that a file defines. Data that is only read when it is taken is read here."""
    lacking = [name for name in catalogue.REQUIRED_NAMES if not hasattr(module, name)]
    if lacking:
        guarded = "__main__" in path.read_text(encoding="utf-8", errors="replace")
        hint = "not under if __name__ == '__main__': the file is imported" if guarded else ""
        raise UsageError(f"{path} does not define {' and '.join(lacking)}", hint)
    net = module.ModelUnderTest
    if not isinstance(net, torch.nn.Module):
        hint = "create it: ModelUnderTest = MyModel()" if isinstance(net, type) else ""
        raise UsageError(f"ModelUnderTest in {path} is a {type(net).__name__}, not a torch.nn.Module", hint)
    dataset = [_labelled(path, item) for item in getattr(module, "ModelDataset", ())]
    calibration = [_as_inputs(x, "ModelCalibration") for x in getattr(module, "ModelCalibration", ())]
    return Model(net.eval(), _as_inputs(module.ModelInputs, "ModelInputs"), dataset, calibration)


def _labelled(path: Path, item: Any) -> tuple[Inputs, int]:
    try:
        inputs, label = item
        return _as_inputs(inputs, "ModelDataset"), int(label)
    except (TypeError, ValueError) as error:
        raise UsageError(f"ModelDataset in {path} holds a {type(item).__name__}, not (inputs, label)") from error


def _from_executorch(name: str) -> Model:
    from executorch.examples.models import MODEL_NAME_TO_MODEL
    from executorch.examples.models.model_factory import EagerModelFactory

    module, inputs, _, _ = EagerModelFactory.create_model(*MODEL_NAME_TO_MODEL[name])
    return Model(module.eval(), _as_inputs(inputs, f"the input of {name}"))


def _from_exported(path: Path) -> Model:
    program = torch.export.load(path)
    if program.example_inputs is None:
        raise UsageError(f"{path} holds no example inputs", "export it again with torch.export.export(model, inputs)")
    arguments, keywords = program.example_inputs
    if keywords:
        raise UsageError(f"{path} takes keyword inputs", "export a module that takes positional tensors only")
    if found := _dynamic(program):
        raise UsageError(f"{', '.join(found)}; the NPU needs fixed shapes", "export without dynamic_shapes")
    return Model(program.module(check_guards=False), _as_inputs(arguments, str(path)), program=program)


def _dynamic(program: ExportedProgram) -> list[str]:
    """The inputs with dimensions that were left open, in words."""
    nodes = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    found = []
    for at, name in enumerate(program.graph_signature.user_inputs):
        value = nodes[name].meta.get("val") if isinstance(name, str) and name in nodes else None
        shape = value.shape if isinstance(value, torch.Tensor) else ()
        open_ = [f"{axis} ({_range(program, n)})" for axis, n in enumerate(shape) if isinstance(n, torch.SymInt)]
        if open_:
            found.append(f"input {at} has dynamic dimension{'s' * (len(open_) > 1)} {' and '.join(open_)}")
    return found


def _range(program: ExportedProgram, extent: torch.SymInt) -> str:
    """The sizes that an open dimension may have."""
    expression = extent.node.expr
    known = program.range_constraints.get(expression)
    if known is None:  # derived from another dimension, such as 2*s0
        return str(expression)
    lowest, highest = int(known.lower), known.upper
    return f"{lowest}..{highest}" if highest.is_Integer else f"{lowest} or more"


def load(name: str, folder: str | None = None) -> Model:
    """The model a spec names. Runs the user's code, in `folder`, else in that of its file.

    Raises:
        UsageError: it is not a model in the sense of `tui.model.catalogue`.
        Exception: whatever the model's own code raises.
    """
    torch.manual_seed(SEED)
    if name.startswith("executorch:"):
        return _from_executorch(name.partition(":")[2])
    path = catalogue.source_file(name)
    model = _from_exported(Path(name)) if path is None else _from_file(path, Path(folder or path.parent))
    for parameter in model.module.parameters():
        parameter.requires_grad_(False)
    return model


def check(model: Model, spec: Spec) -> None:
    """Refuse a model that would fail later, with another's words.

    Raises:
        UsageError: an input is no tensor, or quantization cannot begin with the type of its weights or inputs.
    """
    if spec.until == "check":
        numbers = [(at, leaf) for at, leaf in enumerate(_pytree.tree_leaves(model.example)) if not _is_tensor(leaf)]
        for at, leaf in numbers[:1]:
            raise UsageError(
                f"input {at} is a {type(leaf).__name__}: a runner is given tensors only",
                "make it a tensor, or an attribute of the module",
            )
    if spec.quantize != "none":
        types = {parameter.dtype for parameter in model.module.parameters() if parameter.is_floating_point()}
        if types and torch.float32 not in types:
            raise UsageError(f"its weights are {types.pop()}: quantization begins with float32", "call float() on it")
        for at, tensor in enumerate(leaves(model.example)):
            if tensor.is_floating_point() and tensor.dtype != torch.float32:
                raise UsageError(
                    f"input {at} is {tensor.dtype}: quantization begins with float32", "call float() on it"
                )


def _is_tensor(value: Any) -> bool:
    return isinstance(value, torch.Tensor)


def export(model: Model) -> ExportedProgram:
    """The exported program of a model, which a .pt2 is already."""
    if model.program is not None:
        return model.program
    with model.at_home():
        return exporting.export(model.module, model.example)


def leaves(inputs: Inputs) -> list[torch.Tensor]:
    """The tensors of a model's inputs, which may be inside of tuples, in the order the program takes them."""
    return [leaf for leaf in _pytree.tree_leaves(inputs) if isinstance(leaf, torch.Tensor)]


def _mapped(change: Callable[[Any], Any], inputs: Inputs) -> Inputs:
    changed: Inputs = _pytree.tree_map(change, inputs)
    return changed


def copied(inputs: Inputs) -> Inputs:
    """Inputs of their own, which a model may change."""
    return _mapped(lambda value: value.clone() if isinstance(value, torch.Tensor) else value, inputs)


def laid_out(inputs: Inputs) -> Inputs:
    """Inputs with their channels last in memory, where they have four dimensions."""

    def lay_out(value: Any) -> Any:
        wanted = isinstance(value, torch.Tensor) and value.dim() == 4
        return value.to(memory_format=torch.channels_last) if wanted else value

    return _mapped(lay_out, inputs)


def channels_last(model: Model) -> Model:
    """The model and its data in the layout the NPU computes in.

    Raises:
        UsageError: it was exported already.
    """
    if model.program is not None:
        raise UsageError("an exported program has its layout", "--channels-last needs the model itself")
    return replace(
        model,
        module=model.module.to(memory_format=torch.channels_last),
        example=laid_out(model.example),
        dataset=[(laid_out(inputs), label) for inputs, label in model.dataset],
        calibration=[laid_out(inputs) for inputs in model.calibration],
    )


def _read(path: Path, like: torch.Tensor | None) -> list[torch.Tensor]:
    """The tensors in a file: .npy, .pt, or raw bytes that are to be a tensor such as `like`."""
    try:
        if path.suffix == ".npy":
            return [torch.from_numpy(np.load(path, allow_pickle=False))]
        if path.suffix in (".pt", ".pth"):
            return _saved(path)
        if like is None:
            raise UsageError(f"{path} is no .npy, .npz or .pt file")
        flat = torch.frombuffer(bytearray(path.read_bytes()), dtype=like.dtype)
        return [flat.reshape(like.shape) if flat.numel() == like.numel() else flat]
    except (ValueError, OSError, RuntimeError, EOFError) as error:
        raise UsageError(f"cannot read {path}: {one_line(error)}") from error


def _saved(path: Path) -> list[torch.Tensor]:
    """The tensors that torch.save wrote."""
    try:
        value = torch.load(path, weights_only=True)
    except Exception as error:  # of a damaged file, it raises whatever its parts raise
        raise UsageError(f"cannot read {path}: {one_line(error)}") from error
    found = leaves((value,))
    if not found:
        raise UsageError(f"{path} holds a {type(value).__name__}, not a tensor")
    return found


def ones(model: Model) -> Samples:
    """Ones for each input."""
    inputs = _mapped(lambda v: torch.ones_like(v) if isinstance(v, torch.Tensor) else v, model.example)
    return Samples((inputs,), (), "ones: the runner cannot be given inputs")


def _given(files: Sequence[str], example: Inputs) -> Inputs:
    taken = leaves(example)
    if len(files) != len(taken):
        raise UsageError(f"the model takes {len(taken)} input(s), {len(files)} --input file(s) were given")
    values = [tensor for file, like in zip(files, taken, strict=True) for tensor in _read(Path(file), like)]
    return _fitting(values, example, files)


def each_inference(samples: Samples, inferences: int) -> Samples:
    """A sample for each inference, where its outputs depend on those before it: the same inputs in turn."""
    numbers = [k % len(samples.inputs) for k in range(inferences)]
    labels = tuple(samples.labels[k] for k in numbers) if samples.labels else ()
    return Samples(tuple(samples.inputs[k] for k in numbers), labels, samples.source)


def _stored(item: Item, example: Inputs) -> Inputs:
    """A sample of a data set. One without the dimension of a batch of 1 gets it."""
    values = [torch.from_numpy(item.row)] if item.row is not None else _read(item.file, None)
    taken = leaves(example)
    whole = [
        value[None] if value.shape == like.shape[1:] and like.shape[:1] == (1,) else value
        for value, like in zip(values, taken, strict=False)
    ]
    return _fitting([*whole, *values[len(whole) :]], example, [str(item.file)] * len(values))


def _fitting(values: list[torch.Tensor], example: Inputs, names: Sequence[str]) -> Inputs:
    """Tensors in the place of the example's.

    Raises:
        UsageError: there are more or fewer, or one has not the shape or the type; `names` are their files'.
    """
    taken = leaves(example)
    if len(values) != len(taken):
        raise UsageError(f"{names[0]}: {len(values)} tensor(s), the model takes {len(taken)} input(s)")
    for at, (file, value, like) in enumerate(zip(names, values, taken, strict=True)):
        if tuple(value.shape) != tuple(like.shape):
            raise UsageError(f"input {at}, {file}: shape {tuple(value.shape)}, the model takes {tuple(like.shape)}")
        if value.dtype != like.dtype:
            raise UsageError(f"input {at}, {file}: {value.dtype}, the model takes {like.dtype}")
    rest = iter(values)
    return _mapped(lambda v: next(rest) if isinstance(v, torch.Tensor) else v, example)


def samples(spec: Spec, model: Model) -> Samples:
    """The inputs of a run: the files given, else as much of a data set as is needed - that of the spec, or the one the
    model brings -, else the model's example inputs.

    Raises:
        UsageError: a file does not fit the model.
    """
    if spec.inputs:
        return Samples((_given(spec.inputs, model.example),), (), f"{len(spec.inputs)} file(s)")
    if spec.dataset is not None:
        stored = datasets.items(Path(spec.dataset))
        taken = stored[: spec.inferences]
        known = [item.label for item in taken if item.label is not None]
        labels = tuple(known) if len(known) == len(taken) else ()
        source = f"data set of {len(stored)} in {spec.dataset}"
        return Samples(tuple(_stored(item, model.example) for item in taken), labels, source)
    if model.dataset:
        chosen = model.dataset[: spec.inferences]
        labels = tuple(label for _, label in chosen)
        return Samples(tuple(inputs for inputs, _ in chosen), labels, f"data set of {len(model.dataset)}")
    return Samples((model.example,), (), "the model's example inputs")


def calibration(spec: Spec, model: Model) -> Sequence[Inputs]:
    """Inputs to calibrate quantization on: the path of the spec, else what the model brings, else its example.

    Raises:
        UsageError: there is nothing at the path, or it does not fit the model.
    """
    if spec.calibration is None:
        return model.calibration or [model.example]
    return [_stored(item, model.example) for item in datasets.items(Path(spec.calibration))]
