"""Load a model: its module, its example inputs, and the data its file brings along."""

import contextlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.utils import _pytree

from tui.compile import exporting, inputs
from tui.compile.diagnostics.failures import Problem
from tui.compile.inputs import Inputs, leaves
from tui.errors import UsageError, one_line
from tui.model import catalogue
from tui.run.spec import Spec

SEED = 0
"""Set before a model is loaded, so that random weights are the same in every run."""

FOLDER = "--folder PATH sets the folder for relative paths"
SAME = "python must be able to run the file in that folder"
EXITS = "the file is imported without arguments: give them defaults, and call main() under __name__ == '__main__'"


@dataclass(frozen=True)
class Model:
    """A loaded model."""

    module: torch.nn.Module
    """In eval mode; of a .pt2, the program's own."""
    example: Inputs
    dataset: Sequence[tuple[Inputs, int]] = ()
    """(inputs, label) pairs from the model's file."""
    calibration: Sequence[Inputs] = ()
    program: ExportedProgram | None = None
    """Set for a .pt2 only, which is exported already."""
    folder: Path | None = None
    """Folder in which its code runs: that of loading, or the one it changed to; None for a model without code."""

    @contextlib.contextmanager
    def at_home(self) -> Iterator[None]:
        """Run a block of its code in its folder."""
        with contextlib.nullcontext() if self.folder is None else _in(self.folder):
            yield


def _as_inputs(value: object, what: str) -> Inputs:
    if isinstance(value, torch.Tensor):
        return (value,)
    if isinstance(value, tuple | list):
        return tuple(value)
    raise UsageError(f"{what} is a {type(value).__name__}, not a tuple of tensors")


@contextlib.contextmanager
def _in(folder: Path) -> Iterator[None]:
    """Run a model's code in a folder; the error for a missing file names that folder.

    Raises:
        UsageError: the folder does not exist.
        Problem: a file cannot be opened.
    """
    if not folder.is_dir():
        raise UsageError(f"no folder {folder} to load the model in", "--folder PATH selects another")
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError) as error:
        name = error.filename if isinstance(error.filename, str) else None
        # Some libraries put the name into the text only; and the code may have changed the folder.
        here = _current(folder)
        if name is None:
            raise Problem(f"{type(error).__name__}: {one_line(error)}; it ran in {here}", SAME) from error
        if Path(name).is_absolute():
            raise
        raise Problem(f"{error.strerror}: {name} in {here}", FOLDER) from error
    finally:
        os.chdir(before)


def _current(otherwise: Path) -> Path:
    """The current folder; `otherwise` where the model's code changed to one that no longer exists."""
    try:
        return Path.cwd()
    except OSError:
        return otherwise


def _module(path: Path) -> ModuleType:
    """Import a file as ``python FILE`` would, but not as the main program.

    Raises:
        Problem: the file exits.
    """
    spec = importlib.util.spec_from_file_location("model_under_test", path)
    if spec is None or spec.loader is None:
        raise UsageError(f"cannot load {path}")
    module = importlib.util.module_from_spec(spec)
    sys.argv = [str(path)]
    sys.path.insert(0, str(path.parent))
    # Pickles name the module of a class: a model that a script saved has its class in __main__.
    sys.modules[spec.name] = sys.modules["__main__"] = module
    # The processes of a data loader load the main program first: from its file, not by this name.
    module.__spec__ = None
    try:
        spec.loader.exec_module(module)
    except SystemExit as error:
        raise Problem(f"{path.name} exits on import: sys.exit({error.code!r})", EXITS) from error
    except KeyboardInterrupt as error:
        raise Problem(f"{path.name} exits on import: KeyboardInterrupt", EXITS) from error
    except ModuleNotFoundError as error:
        hint = f"install it in {sys.prefix}, or put it beside {path.name} or on PYTHONPATH"
        raise Problem(str(error), hint) from error
    return module


def _from_file(path: Path, folder: Path) -> Model:
    with _in(folder):
        model = _defined(path, _module(path))
        # Later code runs where the import ended up.
        return replace(model, folder=_current(folder))


def _defined(path: Path, module: ModuleType) -> Model:
    """The model that a file defines. Lazy data sets are read here."""
    missing = [name for name in catalogue.REQUIRED_NAMES if not hasattr(module, name)]
    if missing:
        guarded = "__main__" in path.read_text(encoding="utf-8", errors="replace")
        hint = "define them outside of if __name__ == '__main__': the file is imported" if guarded else ""
        raise UsageError(f"{path} does not define {' and '.join(missing)}", hint)
    net = module.ModelUnderTest
    if not isinstance(net, torch.nn.Module):
        hint = "create it: ModelUnderTest = MyModel()" if isinstance(net, type) else ""
        raise UsageError(f"ModelUnderTest in {path} is a {type(net).__name__}, not a torch.nn.Module", hint)
    dataset = [_labelled(path, item) for item in getattr(module, "ModelDataset", ())]
    calibration = [_as_inputs(x, "ModelCalibration") for x in getattr(module, "ModelCalibration", ())]
    return Model(net.eval(), _as_inputs(module.ModelInputs, "ModelInputs"), dataset, calibration)


def _labelled(path: Path, item: Any) -> tuple[Inputs, int]:
    try:
        sample, label = item
        return _as_inputs(sample, "ModelDataset"), int(label)
    except (TypeError, ValueError) as error:
        raise UsageError(f"ModelDataset in {path} holds a {type(item).__name__}, not (inputs, label)") from error


def _from_executorch(name: str) -> Model:
    from executorch.examples.models import MODEL_NAME_TO_MODEL
    from executorch.examples.models.model_factory import EagerModelFactory

    module, example, _, _ = EagerModelFactory.create_model(*MODEL_NAME_TO_MODEL[name])
    return Model(module.eval(), _as_inputs(example, f"the input of {name}"))


def _from_exported(path: Path) -> Model:
    program = torch.export.load(path)
    if program.example_inputs is None:
        raise UsageError(f"{path} has no example inputs", "export it again with torch.export.export(model, inputs)")
    arguments, keywords = program.example_inputs
    if keywords:
        raise UsageError(f"{path} takes keyword inputs", "export a module that takes only positional tensors")
    if dynamic := _dynamic(program):
        raise UsageError(f"{', '.join(dynamic)}; the NPU needs fixed shapes", "export without dynamic_shapes")
    return Model(program.module(check_guards=False), _as_inputs(arguments, str(path)), program=program)


def _dynamic(program: ExportedProgram) -> list[str]:
    """A phrase for each input with dynamic dimensions."""
    nodes = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    phrases = []
    for at, name in enumerate(program.graph_signature.user_inputs):
        value = nodes[name].meta.get("val") if isinstance(name, str) and name in nodes else None
        shape = value.shape if isinstance(value, torch.Tensor) else ()
        axes = [f"{axis} ({_range(program, n)})" for axis, n in enumerate(shape) if isinstance(n, torch.SymInt)]
        if axes:
            dimensions = "dynamic dimension" if len(axes) == 1 else "dynamic dimensions"
            phrases.append(f"input {at} has {dimensions} {' and '.join(axes)}")
    return phrases


def _range(program: ExportedProgram, extent: torch.SymInt) -> str:
    """The sizes that a dynamic dimension may have."""
    expression = extent.node.expr
    constraint = program.range_constraints.get(expression)
    if constraint is None:  # derived from another dimension, such as 2*s0
        return str(expression)
    lowest, highest = int(constraint.lower), constraint.upper
    return f"{lowest}..{highest}" if highest.is_Integer else f"{lowest} or more"


def load(name: str, folder: str | None = None) -> Model:
    """Load the model that a spec names. Runs the user's code in `folder`, else in the folder of its file.

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
    """Refuse a model that would fail later with an obscure error.

    Raises:
        UsageError: an input is not a tensor, or its weights or inputs have a type that cannot be quantized.
    """
    if spec.until == "check":
        for at, leaf in enumerate(_pytree.tree_leaves(model.example)):
            if not isinstance(leaf, torch.Tensor):
                raise UsageError(
                    f"input {at} is a {type(leaf).__name__}, and runners take only tensors",
                    "make it a tensor, or an attribute of the module",
                )
    if spec.quantize != "none":
        types = {parameter.dtype for parameter in model.module.parameters() if parameter.is_floating_point()}
        if types and torch.float32 not in types:
            raise UsageError(f"the weights are {types.pop()}; quantization needs float32", "call float() on the model")
        for at, tensor in enumerate(leaves(model.example)):
            if tensor.is_floating_point() and tensor.dtype != torch.float32:
                raise UsageError(f"input {at} is {tensor.dtype}; quantization needs float32", "call float() on it")


def export(model: Model) -> ExportedProgram:
    """Export a model; a .pt2 is exported already."""
    if model.program is not None:
        return model.program
    with model.at_home():
        return exporting.export(model.module, model.example)


def channels_last(model: Model) -> Model:
    """Convert a model and its data to the layout the NPU computes in.

    Raises:
        UsageError: the model is exported already.
    """
    if model.program is not None:
        raise UsageError("an exported program has a fixed layout", "--channels-last needs a .py model")
    return replace(
        model,
        module=model.module.to(memory_format=torch.channels_last),
        example=inputs.channels_last(model.example),
        dataset=[(inputs.channels_last(sample), label) for sample, label in model.dataset],
        calibration=[inputs.channels_last(sample) for sample in model.calibration],
    )
