"""Buffers that a model changes as it runs: which, where, and which of them its program still changes.

The signature of an exported program in PyTorch's training form does not list them. The schema of each operator says
what it writes to and what its results are views of, which leads back to the buffer.
"""

import contextlib
import operator
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, OutputKind
from torch.fx import GraphModule, Node
from torch.utils import _pytree

from tui.compile.graph.origins import module_path, source_line
from tui.compile.inputs import Inputs, copied, leaves

_RUNNING = {
    "aten::batch_norm": ("training", ("running_mean", "running_var")),
    "aten::_native_batch_norm_legit_functional": ("training", ("running_mean", "running_var")),
    "aten::instance_norm": ("use_input_stats", ("running_mean", "running_var")),
}
"""Operators that write though their schema does not say so: the argument that makes them, and what they write to."""

_STORED = (InputKind.BUFFER, InputKind.CONSTANT_TENSOR)


@dataclass(frozen=True)
class Change:
    """A buffer that a program changes, or an input of it."""

    name: str
    """Path of the buffer in the model, or the name of the input."""
    module: str | None
    """Path of the nn.Module whose code changes it first; empty for the model itself."""
    line: str | None
    """``FILE:LINE`` of that code."""
    read: bool
    """True if an output may depend on its previous value."""
    zero: bool = True
    """True if all its elements are zero at first."""
    normalization: bool = False
    """True if a normalization in training mode changes it."""


@dataclass(frozen=True)
class Changes:
    """Buffers and inputs that a program changes."""

    buffers: tuple[Change, ...] = ()
    inputs: tuple[Change, ...] = ()

    @property
    def state(self) -> tuple[Change, ...]:
        """The buffers that make an inference depend on earlier ones."""
        return tuple(change for change in self.buffers if change.read)


def of_program(program: ExportedProgram) -> Changes:
    """Buffers and inputs that an exported program changes."""
    signature = program.graph_signature
    nodes = {node.name: node for node in program.graph_module.graph.nodes}
    places = {
        nodes[spec.arg.name]: spec.target if spec.kind in _STORED else spec.arg.name
        for spec in signature.input_specs
        if spec.kind in (*_STORED, InputKind.USER_INPUT) and getattr(spec.arg, "name", None) in nodes
    }
    stored = {nodes[spec.arg.name] for spec in signature.input_specs if spec.kind in _STORED}
    written = _writes(nodes.values())
    # In the inference form, what is written back is among the outputs.
    returned = [*signature.buffers_to_mutate.items(), *signature.user_inputs_to_mutate.items()]
    by_name = {name: place for place, name in places.items()}
    for made, name in returned:
        written.setdefault(by_name[name], []).append(nodes[made])
    (results,) = nodes["output"].args
    answers = {
        result
        for result, spec in zip(results, signature.output_specs, strict=True)
        if spec.kind == OutputKind.USER_OUTPUT and isinstance(result, Node)
    }
    changes = [
        (place in stored, _change(places[place], place, by, answers, written, program))
        for place, by in written.items()
        if place in places
    ]
    return Changes(
        tuple(change for is_stored, change in changes if is_stored),
        tuple(change for is_stored, change in changes if not is_stored),
    )


def of_module(module: GraphModule) -> Counter[str]:
    """Number of writes of a graph module to each of its buffers, by their paths."""
    writes: Counter[str] = Counter()
    for place, by in _writes(module.graph.nodes).items():
        if place.op == "get_attr":
            writes[str(place.target)] += len(by)
    return writes


def unregistered(module: torch.nn.Module, inputs: Inputs) -> tuple[Change, ...]:
    """The tensors in plain attributes that a model replaces as it runs; an exported program does not."""
    attributes = [
        (f"{path}.{name}" if path else name, path, owner, name, value)
        for path, owner in module.named_modules()
        if not type(owner).__module__.startswith("torch.")
        for name, value in vars(owner).items()
        if isinstance(value, torch.Tensor)
    ]
    if not attributes:
        return ()
    buffers = [name for name, _ in module.named_buffers()]
    with undone(module, [*buffers, *(name for name, *_ in attributes)]):
        list(run(module, [inputs], ()))
        changed = [each for each in attributes if getattr(each[2], each[3], None) is not each[-1]]
    return tuple(
        Change(name=name, module=path, line=None, read=True, zero=not bool(value.any()))
        for name, path, _, _, value in changed
    )


def fewer_writes(before: GraphModule, after: GraphModule) -> frozenset[str]:
    """Paths of the buffers that a graph module writes to less often than before it was quantized."""
    was, now = of_module(before), of_module(after)
    return frozenset(name for name, times in was.items() if now[name] < times)


def lost(changes: Changes, program: ExportedProgram) -> tuple[Change, ...]:
    """The buffers of `changes` that a program made from the exported one no longer changes, or no longer reads."""
    after = {change.name: change for change in of_program(program).buffers}
    return tuple(
        change
        for change in changes.buffers
        if change.name not in after or (change.read and not after[change.name].read)
    )


def returned(program: ExportedProgram) -> tuple[int, ...]:
    """Numbers of the inputs that a lowered program changes, which it returns before its outputs."""
    signature = program.graph_signature
    return tuple(signature.user_inputs.index(name) for name in signature.user_inputs_to_mutate.values())


def _change(
    name: str,
    place: Node,
    by: Sequence[Node],
    answers: set[Node],
    written: dict[Node, list[Node]],
    program: ExportedProgram,
) -> Change:
    first = by[0]
    value = program.state_dict.get(name, program.constants.get(name))
    return Change(
        name=name,
        module=module_path(first.meta.get("nn_module_stack")),
        line=source_line(first.meta.get("stack_trace")),
        read=bool(_reached(place, written) & answers),
        zero=not isinstance(value, torch.Tensor) or not bool(value.any()),
        normalization=any(_schema_name(node) in _RUNNING for node in by),
    )


def _writes(nodes: Iterable[Node]) -> dict[Node, list[Node]]:
    """The nodes that write to existing memory, by the node that stands for it."""
    writes: dict[Node, list[Node]] = {}
    for node in nodes:
        for argument in _written(node):
            origin = _origin(argument)
            if origin.op in ("placeholder", "get_attr") and node not in writes.setdefault(origin, []):
                writes[origin].append(node)
    return {origin: by for origin, by in writes.items() if by}


def _schema(node: Node) -> Any:
    return getattr(node.target, "_schema", None) if node.op == "call_function" else None


def _schema_name(node: Node) -> str:
    return str(getattr(_schema(node), "name", ""))


def _arguments(node: Node) -> Iterator[tuple[Any, Node]]:
    """Arguments of the schema with the nodes passed for them."""
    for at, argument in enumerate(_schema(node).arguments):
        value = node.args[at] if at < len(node.args) else node.kwargs.get(argument.name)
        for leaf in _pytree.tree_leaves(value):
            if isinstance(leaf, Node):
                yield argument, leaf


def _written(node: Node) -> Iterator[Node]:
    if _schema(node) is None:
        return
    running = _running(node)
    for argument, passed in _arguments(node):
        if argument.name in running or (argument.alias_info is not None and argument.alias_info.is_write):
            yield passed


def _running(node: Node) -> tuple[str, ...]:
    """Names of the arguments that hold a normalization's statistics, if it changes them."""
    switch, names = _RUNNING.get(_schema_name(node), ("", ()))
    for at, argument in enumerate(_schema(node).arguments if names else ()):
        if argument.name == switch:
            return names if (node.args[at] if at < len(node.args) else node.kwargs.get(switch)) else ()
    return ()


def _origin(node: Node) -> Node:
    """The node that a node's value may be a view of, or the same as; the node itself if its value is new."""
    while node.op == "call_function":
        if node.target is operator.getitem:
            node = node.args[0]
            continue
        if _schema(node) is None:
            return node
        viewed = next((passed for argument, passed in _arguments(node) if argument.alias_info is not None), None)
        if viewed is None:
            return node
        node = viewed
    return node


def _reached(place: Node, written: dict[Node, list[Node]]) -> set[Node]:
    """The nodes whose values may depend on the initial value of a place."""
    into = {node: origin for origin, by in written.items() for node in by}
    reached: set[Node] = set()
    waiting = [place]
    while waiting:
        node = waiting.pop()
        if node in reached:
            continue
        reached.add(node)
        # A dependent value that is written to another place is read from there.
        if node in into and into[node] is not place:
            waiting.append(into[node])
        waiting += [user for user in node.users if user.op != "output" and not _only_updates(user, node)]
    return reached


def _only_updates(node: Node, value: Node) -> bool:
    """True if a normalization in training mode updates a value without using it for its result."""
    if _schema(node) is None:
        return False
    return any(passed is value and argument.name in _running(node) for argument, passed in _arguments(node))


def _places(module: torch.nn.Module, names: Iterable[str]) -> Iterator[tuple[torch.nn.Module, str, torch.Tensor]]:
    """The submodule, the attribute's name and the value of each of the buffers `names` that a module has."""
    for name in names:
        path, _, leaf = name.rpartition(".")
        try:
            owner = module.get_submodule(path)
        except AttributeError:  # a quantizer may have turned it into a constant of another name
            continue
        value = getattr(owner, leaf, None)
        if isinstance(value, torch.Tensor):
            yield owner, leaf, value


def separate(module: torch.nn.Module, names: Iterable[str]) -> None:
    """Give a module its own copies of the buffers `names`, which it may share with another module."""
    for owner, leaf, value in list(_places(module, names)):
        setattr(owner, leaf, value.detach().clone())


@contextlib.contextmanager
def undone(module: torch.nn.Module, names: Iterable[str]) -> Iterator[None]:
    """Undo what a module does to its buffers `names` within a block."""
    saved = [(*place, place[-1].detach().clone()) for place in _places(module, names)]
    try:
        yield
    finally:
        for owner, leaf, value, before in saved:
            with torch.no_grad():
                value.copy_(before)
            setattr(owner, leaf, value)


def run(
    module: torch.nn.Module | Callable[..., Any],
    inferences: Iterable[Inputs],
    names: Sequence[str],
    *,
    returned: Sequence[int] = (),
    anew: bool = False,
) -> Iterator[list[torch.Tensor]]:
    """Yield the outputs of one inference after another of a module that changes the buffers `names`.

    Each inference starts from what the one before left, or with `anew` from the initial state, which is restored in the
    end. `returned` are the numbers of the inputs to put before the outputs, as a program does with those it changes.
    """
    with undone(module, names):
        for inputs in inferences:
            with undone(module, names if anew else ()):
                yield _outputs(module, inputs, returned)


def _outputs(module: Callable[..., Any], inputs: Inputs, returned: Sequence[int]) -> list[torch.Tensor]:
    own = copied(inputs)
    with torch.no_grad():
        results = _pytree.tree_leaves(module(*own))
    changed = leaves(own)
    return [*(changed[at] for at in returned), *(leaf.detach() for leaf in results if isinstance(leaf, torch.Tensor))]
