"""Exporting a module, whatever its forward returns its tensors in.

A program's outputs are the tensors in what forward returns, in their order. torch.export wants the classes of
containers registered, and ExecuTorch writes their names into a program, where nothing reads them.
"""

import dataclasses
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.utils import _pytree

from tui.compile.failures import Problem
from tui.errors import one_line


def export(module: Any, example: tuple[Any, ...]) -> ExportedProgram:
    """The exported program of a module.

    Raises:
        Problem: its forward does not take the example, in plain Python.
        Exception: whatever torch.export or the module's own code raises.
    """
    try:
        program = torch.export.export(module, example)
    except Exception:
        if not _register(_returned(module, example)):
            raise
        program = torch.export.export(module, example)
    signature = program.module_call_graph[0].signature
    if signature is not None and not _has_a_name(signature.out_spec):
        signature.out_spec = _pytree.tree_structure((0,) * signature.out_spec.num_leaves)
    return program


def _returned(module: Any, example: tuple[Any, ...]) -> Any:
    """What forward returns when Python runs it: where it cannot, the fault is none of the export."""
    try:
        with torch.no_grad():
            return module(*example)
    except OSError:
        raise
    except Exception as error:
        what = f"forward fails on ModelInputs: {type(error).__name__}: {one_line(error, 200)}"
        raise Problem(what, "ModelUnderTest(*ModelInputs) must work in python") from error


def _register(value: Any) -> bool:
    """Register the data classes in what a module returned; whether there was one."""
    found = [leaf for leaf in _pytree.tree_leaves(value) if dataclasses.is_dataclass(leaf)]
    for leaf in found:
        if type(leaf) not in _pytree.SUPPORTED_NODES:
            torch.export.register_dataclass(type(leaf))
        _register(leaf)
    return bool(found)


def _has_a_name(spec: Any) -> bool:
    """Whether all the classes in a structure have names to be written by."""
    try:
        _pytree.treespec_dumps(spec)
    except NotImplementedError:
        return False
    return True
