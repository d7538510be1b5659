"""Export a module, whatever container its forward returns tensors in.

A program's outputs are the tensors in what forward returns, in their order. torch.export requires the classes of
containers to be registered, and ExecuTorch writes their names into a program, where nothing reads them.
"""

import dataclasses
import sys

import torch
from torch.export import ExportedProgram
from torch.utils import _pytree

from tui.compile.diagnostics.failures import ModelFails
from tui.compile.inputs import Inputs


def export(module: torch.nn.Module, example: Inputs) -> ExportedProgram:
    """Export a module.

    Raises:
        ModelFails: the module's own code fails.
        Exception: whatever torch.export raises for a module that runs.
    """
    try:
        program = torch.export.export(module, example)
    except Exception:
        if not _register(run(module, example)):
            raise
        program = torch.export.export(module, example)
    return _named(program)


def run(module: torch.nn.Module, example: Inputs) -> object:
    """Run a module by itself, which tells whether it or the compiler is at fault.

    Raises:
        ModelFails: the module's own code fails.
    """
    handled = sys.exception()
    try:
        with torch.no_grad():
            return module(*example)
    except OSError:
        raise  # explained by the caller, who knows the folder
    except Exception as error:
        _forget(error, handled)
        raise ModelFails from error


def _forget(error: BaseException, handled: BaseException | None) -> None:
    """Cut the exception being handled off the context of another: both have the same cause."""
    at = error
    while at.__context__ is not None and at.__context__ is not handled:
        at = at.__context__
    at.__context__ = None


def _named(program: ExportedProgram) -> ExportedProgram:
    """The program, without the structure of what forward returns if that has classes without names."""
    signature = program.module_call_graph[0].signature
    if signature is not None and not _has_names(signature.out_spec):
        signature.out_spec = _pytree.tree_structure((0,) * signature.out_spec.num_leaves)
    return program


def _register(value: object) -> bool:
    """Register the data classes in what a module returned; False without any."""
    instances = [leaf for leaf in _pytree.tree_leaves(value) if dataclasses.is_dataclass(leaf)]
    for leaf in instances:
        if type(leaf) not in _pytree.SUPPORTED_NODES:
            torch.export.register_dataclass(type(leaf))
        _register(leaf)
    return bool(instances)


def _has_names(spec: _pytree.TreeSpec) -> bool:
    """True if all classes in a structure have names to serialize it by."""
    try:
        _pytree.treespec_dumps(spec)
    except NotImplementedError:
        return False
    return True
