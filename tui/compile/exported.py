"""Export a module of the caller's own process to the bytes of a .pt2, which a compile worker loads as any other.

The exported program carries its weights and its operators, but no code: a class of a notebook needs not be importable
in the worker. What the compiler would do first with a .py file is done here, by the same `exporting.export`.
"""

import copy
import io
import warnings
from typing import Any

import numpy as np
import torch
from torch.export import ExportedProgram
from torch.utils import _pytree

from tui.compile import exporting, inputs
from tui.compile.diagnostics import failures
from tui.compile.inputs import Inputs
from tui.errors import UsageError, UserError, one_line

KNOWN = frozenset({"aten", "prim", "prims", "higher_order", "quantized_decomposed"})
"""Namespaces of operators that every compile worker has."""

FROM_FILE = "put the model into a .py file that sets ModelUnderTest and ModelInputs, and name that file"


def to_bytes(model: torch.nn.Module | ExportedProgram, example: Any, *, channels_last: bool = False) -> bytes:
    """Export a module on its example inputs, or take a program that is exported, as the content of a .pt2.

    The module stays as it is: a copy of it is exported, in eval mode and on the CPU.

    Raises:
        UsageError: the inputs are missing or not tensors, or there is a layout to change in an exported program.
        UserError: the module cannot be copied or exported, its own code fails, or another process could not load it.
    """
    program = model if isinstance(model, ExportedProgram) else _exported(model, example, channels_last=channels_last)
    if isinstance(model, ExportedProgram) and channels_last:
        raise UsageError("an exported program has a fixed layout", "channels_last needs the module itself")
    if (foreign := _foreign(program)) is not None:
        raise UserError(f"{_name(model)} calls {foreign}, an operator that only this process has", FROM_FILE)
    content = io.BytesIO()
    try:
        with warnings.catch_warnings():
            # Of weights whose channels are last in memory; on the CPU they are written as they are.
            warnings.filterwarnings("ignore", "No complete tensor found")
            torch.export.save(program, content)
    except Exception as error:  # raises whatever it has no form for
        raise UserError(f"{_name(model)} cannot be saved as a .pt2: {one_line(error)}", FROM_FILE) from error
    return content.getvalue()


def _exported(model: torch.nn.Module, example: Any, *, channels_last: bool) -> ExportedProgram:
    values = _inputs(example)
    try:
        module = copy.deepcopy(model).cpu().eval().requires_grad_(False)
    except Exception as error:  # a class may forbid it in its own way
        raise UserError(f"{_name(model)} cannot be copied: {one_line(error)}", FROM_FILE) from error
    if channels_last:
        module, values = module.to(memory_format=torch.channels_last), inputs.channels_last(values)
    try:
        return exporting.export(module, values)
    except failures.ModelFails as error:
        own = error.__cause__ or error
        what = f"forward of {_name(model)} fails on the inputs given: {type(own).__name__}: {one_line(own)}"
        raise UserError(what, "call the module with them to see the full error") from own
    except Exception as error:  # torch.export raises many kinds for code that it cannot trace
        what = f"torch.export cannot export {_name(model)}: {failures.describe(error, 'export', None)}"
        raise UserError(what) from error


def _inputs(example: Any) -> Inputs:
    """The example inputs as tensors on the CPU, in a tuple with one value for each argument of forward."""
    if example is None:
        raise UsageError("a module needs its inputs", "inputs=(tensor, ...): one for each argument of forward")
    values = tuple(example) if isinstance(example, tuple | list) else (example,)
    tensors = _pytree.tree_map(lambda one: torch.from_numpy(one) if isinstance(one, np.ndarray) else one, values)
    return inputs.mapped(lambda tensor: tensor.detach().cpu(), tensors)


def _foreign(program: ExportedProgram) -> str | None:
    """An operator that is not PyTorch's own, such as ``mylib::scale``; None without one."""
    for module in program.graph_module.modules():
        for node in getattr(module, "graph", torch.fx.Graph()).nodes:
            space = getattr(node.target, "namespace", None)
            if node.op == "call_function" and isinstance(space, str) and space not in KNOWN:
                return str(node.target.name())
    return None


def _name(model: torch.nn.Module | ExportedProgram) -> str:
    return type(model).__name__
