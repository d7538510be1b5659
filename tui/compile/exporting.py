"""Exporting a module, whatever its forward returns its tensors in.

A program's outputs are the tensors in what forward returns, in their order. torch.export wants the classes of
containers registered, and ExecuTorch writes their names into a program, where nothing reads them.
"""

import dataclasses
import sys
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.utils import _pytree

from tui.compile.diagnostics.failures import ModelFails


def export(module: Any, example: tuple[Any, ...]) -> ExportedProgram:
    """The exported program of a module.

    Raises:
        ModelFails: the module's own code fails.
        Exception: whatever torch.export raises of a module that runs.
    """
    try:
        program = torch.export.export(module, example)
    except Exception:
        if not _register(run(module, example)):
            raise
        program = torch.export.export(module, example)
    return _named(program)


def run(module: Any, example: tuple[Any, ...]) -> Any:
    """What a module returns by itself. Where a compiler failed on it, that tells which of the two is at fault.

    Raises:
        ModelFails: its own code fails, compiled or not.
    """
    handled = sys.exception()
    try:
        with torch.no_grad():
            return module(*example)
    except OSError:
        raise  # whoever knows the folder says more
    except Exception as error:
        _forget(error, handled)
        raise ModelFails from error


def _forget(error: BaseException, handled: BaseException | None) -> None:
    """Take what was being handled from what an exception came after: they have one cause, which this one says."""
    at = error
    while at.__context__ is not None and at.__context__ is not handled:
        at = at.__context__
    at.__context__ = None


def _named(program: ExportedProgram) -> ExportedProgram:
    """The program, without the structure of what forward returns where that has classes without names."""
    signature = program.module_call_graph[0].signature
    if signature is not None and not _has_a_name(signature.out_spec):
        signature.out_spec = _pytree.tree_structure((0,) * signature.out_spec.num_leaves)
    return program


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
