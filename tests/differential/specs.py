"""A random graph as a pure function of (seed, index): source text of a forward function, and the tensors it takes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import torch

from tests.differential import faults
from tui.toolchain import vela
from tui.toolchain.boards import ETHOS_U85

Kind = Literal["float", "positive", "int", "bool", "index"]
"""Of a tensor: floats are quantized; positive ones are divisors; an index is below the `limit` of its input."""

Quantization = Literal["int8", "a16w8"]
Shape = tuple[int, ...]

MOST_ELEMENTS = 12_000
"""Of one tensor: a graph that is larger shows nothing that a small one does not, and takes longer."""

INTEGERS = ("int8", "int16", "int32")
STEPS = (1, 2, 2, 3, 3, 4, 5)
"""Operators of a graph, drawn from these."""

TARGETS = 3
"""Configurations each graph is compiled for."""

Npu = Literal["ethos-u85", "ethos-u55"]
"""Families by what ExecuTorch delegates: an Ethos-U65 has the operators of the U55."""

_MODES = ("Sram_Only", "Shared_Sram")
_U55 = (
    tuple(f"ethos-u55-{macs}" for macs in (32, 64, 128, 256)),
    ("Ethos_U55_Deep_Embedded", "Ethos_U55_High_End_Embedded"),
)
_U65 = ("ethos-u65-256", "ethos-u65-512")
SMALL = (
    (*_U55, _MODES),
    (*_U55, _MODES),
    (_U65, ("Ethos_U65_Embedded",), _MODES),
    (
        _U65,
        ("Ethos_U65_Mid_End", "Ethos_U65_High_End", "Ethos_U65_Client_Server"),
        (*_MODES, "Dedicated_Sram", "Dedicated_Sram_384KB"),
    ),
)
"""Accelerators of U55 and U65, with the system configs and memory modes that go together."""

ARENA_CACHES = (None, None, None, 4096, 16384, 65536)
"""Bytes of ``--arena-cache-size``: small ones make Vela buffer weights, cascade and cut up what would fit."""


@dataclass(frozen=True)
class Given:
    """A tensor a graph is given: an input, or a parameter where `constant`."""

    name: str
    shape: Shape
    kind: Kind
    constant: bool = False
    limit: int = 0
    dtype: str = "float32"


@dataclass(frozen=True)
class Step:
    """One assignment: `name` = `text`; `family` is the operator's."""

    family: str
    name: str
    text: str


@dataclass(frozen=True)
class Configuration:
    """A configuration of Vela."""

    accelerator: str
    system: str
    mode: str
    arena_cache: int | None
    optimise: str

    @property
    def flags(self) -> list[str]:
        """Vela's options beside those of ExecuTorch's compile spec."""
        cache = [] if self.arena_cache is None else [f"--arena-cache-size={self.arena_cache}"]
        return [f"--optimise={self.optimise}", *cache]


@dataclass(frozen=True)
class Spec:
    """A graph, how it is quantized, and what it is compiled for."""

    seed: int
    index: int
    family: str
    """Of the first step."""
    given: tuple[Given, ...]
    steps: tuple[Step, ...]
    quantization: Quantization
    configurations: tuple[Configuration, ...]
    returned: tuple[str, ...] = ()
    """Values beside the last that are outputs, too, as the source names them."""

    @property
    def inputs(self) -> tuple[Given, ...]:
        """The tensors that are the graph's inputs, in the order of its arguments."""
        return tuple(one for one in self.given if not one.constant)

    @property
    def source(self) -> str:
        """The forward function."""
        head = f"def forward(self, {', '.join(one.name for one in self.inputs)}):"
        body = [f"    {step.name} = {step.text}" for step in self.steps]
        return "\n".join([head, *body, f"    return {', '.join([self.steps[-1].name, *self.returned])}"])

    def shortened(self, steps: int) -> "Spec":
        """The graph of its first `steps` steps alone, with the outputs that are left."""
        kept = self.steps[:steps]
        last = kept[-1].name
        gone = {step.name for step in self.steps[steps:]} | {last}
        return replace(self, steps=kept, returned=tuple(name for name in self.returned if name not in gone))

    def __str__(self) -> str:
        lines = [f"seed {self.seed} index {self.index}: {self.quantization}"]
        for one in self.given:
            what = f"self.{one.name}" if one.constant else one.name
            lines.append(f"  {what}: {one.kind} {one.dtype} {list(one.shape)}" + (f" < {one.limit}" * bool(one.limit)))
        lines += [f"  {line}" for line in self.source.splitlines()]
        lines += [f"  {configuration}" for configuration in self.configurations]
        return "\n".join(lines)


def generator(*numbers: int) -> np.random.Generator:
    """The random numbers that belong to `numbers`."""
    return np.random.default_rng(numbers)


def content(one: Given, random: np.random.Generator) -> torch.Tensor:
    """Values as a model would have them: what it is exported and calibrated with, and its parameters."""
    match one.kind:
        case "float":
            fan = max(int(np.prod(one.shape[1:])), 1) if one.constant else 1
            values = random.normal(0, 1 / np.sqrt(fan), one.shape)
        case "positive":
            values = random.uniform(0.5, 2, one.shape)
        case "bool":
            return torch.from_numpy(np.asarray(random.integers(0, 2, one.shape) > 0))
        case "index":
            return torch.from_numpy(np.asarray(random.integers(0, one.limit, one.shape), one.dtype))
        case "int":
            limits = np.iinfo(one.dtype)
            return torch.from_numpy(
                np.asarray(random.integers(limits.min, limits.max, one.shape, one.dtype, endpoint=True))
            )
    return torch.from_numpy(np.asarray(values, np.float32))


@dataclass
class Draft:
    """A graph while it is made: each value so far, with what it holds for some input."""

    random: np.random.Generator
    given: list[Given] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    values: dict[str, torch.Tensor] = field(default_factory=dict)
    kinds: dict[str, Kind] = field(default_factory=dict)
    returned: list[str] = field(default_factory=list)

    @property
    def last(self) -> str:
        """The name of the value that the next step takes."""
        return self.steps[-1].name if self.steps else self.given[0].name

    @property
    def shape(self) -> Shape:
        """Its shape."""
        return tuple(self.values[self.last].shape)

    @property
    def kind(self) -> Kind:
        """Its kind."""
        return self.kinds[self.last]

    def ahead(self, number: int) -> str:
        """The name of the value of the `number`th step that a proposal adds."""
        return f"v{len(self.steps) + number}"

    def integer(self, low: int, high: int) -> int:
        """A number from `low` to `high`, both of which it can be."""
        return int(self.random.integers(low, high, endpoint=True))

    def chance(self, probability: float) -> bool:
        """True with that probability."""
        return bool(self.random.random() < probability)

    def one_of(self, *choices: Any) -> Any:
        """One of `choices`."""
        return choices[self.random.integers(len(choices))]

    def axis(self) -> int:
        """An axis of the last value."""
        return self.integer(0, len(self.shape) - 1)

    def _given(self, one: Given) -> str:
        self.given.append(one)
        self.values[one.name] = content(one, self.random)
        self.kinds[one.name] = "float" if one.kind == "positive" else one.kind
        return f"self.{one.name}" if one.constant else one.name

    def input(self, shape: Shape, kind: Kind = "float", limit: int = 0, dtype: str = "float32") -> str:
        """A new input of the graph, by its name."""
        return self._given(Given(f"x{len(self.given)}", shape, kind, False, limit, dtype))

    def constant(self, shape: Shape, kind: Kind = "float", limit: int = 0, dtype: str = "float32") -> str:
        """A new parameter of the graph, as the source names it."""
        return self._given(Given(f"w{len(self.given)}", shape, kind, True, limit, dtype))

    def operand(self, shape: Shape) -> str:
        """A second operand: an earlier value of that shape, a new input, or a constant."""
        earlier = [n for n, v in self.values.items() if tuple(v.shape) == shape and self.kinds[n] == "float"]
        # The same value twice shows little: it is one of several.
        earlier = [n for n in earlier if not n.startswith("w") and (n != self.last or self.chance(0.3))]
        choice = self.random.random()
        if choice < 0.5 and earlier:
            return str(self.one_of(*earlier))
        return self.input(shape) if choice < 0.8 else self.constant(shape)

    def attempt(self, family: str, propose: "Proposal") -> bool:
        """Add the steps that `propose` thinks of; False, and nothing changed, where PyTorch will not have them."""
        given, steps, returned = list(self.given), list(self.steps), list(self.returned)
        proposed = propose(self)
        texts = (proposed,) if isinstance(proposed, str) else proposed or ()
        if texts and all(self._added(family, text) for text in texts):
            return True
        self.given, self.steps, self.returned = given, steps, returned
        known = {one.name for one in given} | {step.name for step in steps}
        self.values = {key: value for key, value in self.values.items() if key in known}
        return False

    def _added(self, family: str, text: str) -> bool:
        value = self._evaluated(text)
        if value is None:
            return False
        name = self.ahead(0)
        self.steps.append(Step(family, name, text))
        self.values[name] = value
        self.kinds[name] = kind_of(value)
        return True

    def _evaluated(self, text: str) -> torch.Tensor | None:
        try:
            value = evaluate(text, self.values)
        except (RuntimeError, ValueError, IndexError, TypeError):
            return None
        if not isinstance(value, torch.Tensor) or not 0 < value.numel() <= MOST_ELEMENTS or value.dim() == 0:
            return None
        if faults.batched(value):
            return None
        # What is not a number cannot be quantized.
        return value if not value.is_floating_point() or bool(torch.isfinite(value).all()) else None


Proposal = Callable[[Draft], str | Sequence[str] | None]
"""The text of a step, or of several; the last is what the graph goes on with."""


@dataclass(frozen=True)
class Family:
    """A proposal, and the ranks and kinds of tensors it takes."""

    propose: Proposal
    ranks: tuple[int, ...] = (2, 3, 4)
    kinds: tuple[Kind, ...] = ("float",)


def kind_of(value: torch.Tensor) -> Kind:
    """The kind of a computed value."""
    if value.dtype == torch.bool:
        return "bool"
    return "float" if value.is_floating_point() else "int"


class Names:
    """Stands for ``self`` where a step is tried."""

    def __init__(self, values: dict[str, torch.Tensor]) -> None:
        self.__dict__.update(values)


def evaluate(text: str, values: dict[str, torch.Tensor]) -> Any:
    """The value of an expression of the source."""
    with torch.no_grad():
        return eval(text, {"torch": torch, "F": torch.nn.functional, "self": Names(values), **values})


def configuration(random: np.random.Generator, npu: Npu = "ethos-u85") -> Configuration:
    """One of all that Vela compiles for an Ethos-U85, or for an Ethos-U55 or U65."""
    if npu == "ethos-u85":
        lists = vela.lists(ETHOS_U85)
        accelerators, systems, modes = lists.accelerators, lists.system_configs, lists.memory_modes
    else:
        accelerators, systems, modes = SMALL[random.integers(len(SMALL))]
    return Configuration(
        accelerator=str(random.choice(accelerators)),
        system=str(random.choice(systems)),
        mode=str(random.choice(modes)),
        arena_cache=ARENA_CACHES[random.integers(len(ARENA_CACHES))],
        optimise=str(random.choice(["Performance", "Performance", "Size"])),
    )


class Graph(torch.nn.Module):
    """A spec as a module."""

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        random = generator(spec.seed, spec.index, 1)
        for one in spec.given:
            if not one.constant:
                continue
            value = content(one, random)
            if value.is_floating_point():
                # As a layer has them: what is normalized after a convolution becomes part of its parameters.
                self.register_parameter(one.name, torch.nn.Parameter(value, requires_grad=False))
            else:
                self.register_buffer(one.name, value)
        scope: dict[str, Any] = {"torch": torch, "F": torch.nn.functional}
        exec(spec.source, scope)
        self._forward = scope["forward"]

    def forward(self, *inputs: torch.Tensor) -> Any:
        """The spec's source."""
        return self._forward(self, *inputs)
