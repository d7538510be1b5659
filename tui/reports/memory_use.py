"""Use of the NPU's memories: bytes over time against a budget, and the story of each tensor."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from tui.reports.format import UNKNOWN, kib, kib_words, percentage
from tui.reports.memory import Area, needed
from tui.reports.ribbon_layout import fitting_name
from tui.run.figures import Operator, TensorPlace
from tui.run.state import State
from tui.text import clean

NO_WRITER = f"{UNKNOWN} Vela names no operator that makes it"
NO_READER = f"{UNKNOWN} Vela names no operator at its last step"
INPUT, OUTPUT = "nobody on the NPU: an input", "the program: an output"
SHADES = 6
"""Shades of tensors, which tell neighbours apart."""


def use(area: Area) -> list[int]:
    """Bytes needed at each step. Views of the same bytes count once."""
    found: list[int] = []
    changes = {t.start for t in area.tensors} | {t.end + 1 for t in area.tensors}
    for step in range(area.steps):
        found.append(needed(area.alive(step)) if step in changes or not found else found[-1])
    return found


def budget(state: State, memory: str) -> float | None:
    """Most KiB of a memory that the run may use; None without a limit."""
    if state.spec is None or memory != "Sram":
        return None
    return state.spec.limits.sram_kib


def steps_of_interest(area: Area) -> list[int]:
    """Steps at which a tensor begins to be needed."""
    return sorted({tensor.start for tensor in area.tensors})


@dataclass(frozen=True)
class Story:
    """Makers and users of a tensor, as far as Vela's schedule tells; None where it names no operator."""

    writer: Operator | None
    reader: Operator | None
    """The last one to read it: those before are not known."""
    is_input: bool
    """True of what is there before the NPU begins."""
    is_output: bool
    """True of what is needed after the NPU's last operator."""

    @property
    def written_by(self) -> str:
        """The operator that makes it, and when."""
        return INPUT if self.is_input else _running(self.writer) or NO_WRITER

    @property
    def last_read_by(self) -> str:
        """The last operator that reads it, and when."""
        return OUTPUT if self.is_output else _running(self.reader) or NO_READER


def story(area: Area, tensor: TensorPlace, operators: Sequence[Operator]) -> Story:
    """Find the operators at both ends of a tensor's life."""
    own = [o for o in operators if o.partition == area.partition and o.time is not None]
    times = [o.time for o in own if o.time is not None]
    if not times:
        return Story(None, None, is_input=False, is_output=False)
    first, last = min(times), max(times)
    # One operator of the schedule takes two steps: a tensor is needed until the second of its last reader.
    readers = [o for o in own if o.time in (tensor.end - 1, tensor.end) and o.time >= tensor.start]
    is_input = tensor.start <= first and not tensor.module and _others_are_named(area, tensor)
    alone = sum(other.start == tensor.start for other in area.tensors) == 1
    return Story(
        None if is_input else _writer(tensor, own, alone=alone),
        # Which of several operators in one is not known: the first stands for all.
        next((o for o in readers if o.fused_into is None), readers[0] if readers else None),
        is_input=is_input,
        is_output=tensor.end > last + 1,
    )


def _others_are_named(area: Area, tensor: TensorPlace) -> bool:
    """Tell whether what begins together with a tensor has a module, and only the tensor has none."""
    return any(other.module is not None for other in area.tensors if other.start == tensor.start)


def _writer(tensor: TensorPlace, operators: Sequence[Operator], *, alone: bool) -> Operator | None:
    """Find the operator of the tensor's module at its first step, else a later one that works in place.

    What begins `alone` at a step is made by the operator that runs then, whatever its module.
    """
    at_start = [o for o in operators if o.time == tensor.start]
    made = [o for o in operators if tensor.module is not None and tensor.module in (o.module, o.name)]
    own = [o for o in made if o.time == tensor.start]
    in_place = [o for o in made if not alone and o.time is not None and tensor.start < o.time <= tensor.end]
    return own[-1] if own else in_place[0] if in_place else at_start[-1] if at_start else None


def _running(operator: Operator | None) -> str:
    if operator is None:
        return ""
    return f"{clean(operator.name, 60)} ({clean(operator.op, 20)}), step {operator.time}"


def facts(area: Area, tensor: TensorPlace, operators: Sequence[Operator]) -> list[tuple[str, str]]:
    """Label and words of all that is known of a tensor, the most important first."""
    told = story(area, tensor, operators)
    last = tensor.address + tensor.bytes - 1
    shape = told.writer.ofm_shape if told.writer is not None else ()
    dimensions = " " + "x".join(map(str, shape)) if shape and prod(shape) <= tensor.bytes else ""
    return [
        ("written by", told.written_by),
        ("last read by", told.last_read_by),
        ("address", f"{tensor.address:#x} to {last:#x} in {clean(tensor.memory, 20)}"),
        ("format", f"{clean(tensor.dtype, 10)} {clean(tensor.format, 10)}{dimensions}"),
        ("needed", f"in steps {tensor.start} to {tensor.end}, the last is {area.steps - 1}"),
    ]


def name_of(tensor: TensorPlace) -> str:
    """Name of a tensor: the module that makes it, or Vela's own."""
    return clean(tensor.module or tensor.name, 60)


def short_name(area: Area, tensor: TensorPlace, operators: Sequence[Operator], width: int) -> str:
    """Name of a tensor in a block of so many characters; that of an input or output without a module is its role."""
    if tensor.module:
        return fitting_name(tensor.module, width)
    told = story(area, tensor, operators)
    return fitting_name("input" if told.is_input else "output" if told.is_output else tensor.name, width)


def shades(area: Area) -> list[int]:
    """A shade of 0..5 for each tensor, another one than those it touches have, as far as there are enough."""
    order = sorted(range(len(area.tensors)), key=lambda at: (area.tensors[at].start, area.tensors[at].address))
    found = [0] * len(area.tensors)
    done: list[int] = []
    for turn, at in enumerate(order):
        tensor = area.tensors[at]
        taken = {found[other] for other in done if _touch(tensor, area.tensors[other])}
        free = [shade for shade in range(SHADES) if shade not in taken]
        found[at] = min(free or range(SHADES), key=lambda shade: (shade - turn) % SHADES)
        done.append(at)
    return found


def _touch(one: TensorPlace, other: TensorPlace) -> bool:
    """Tell whether two tensors are neighbours in a picture."""
    in_time = one.start <= other.end + 1 and other.start <= one.end + 1
    return in_time and one.address <= other.address + other.bytes and other.address <= one.address + one.bytes


@dataclass(frozen=True)
class Total:
    """A memory or a pool of the runner, and how much of it is used."""

    name: str
    role: str
    kib: float | None
    of_kib: float | None = None
    """Size or limit."""

    @property
    def words(self) -> str:
        """``48.0 KiB of 64 KiB``."""
        return kib_words(self.kib) + (f" of {limit_words(self.of_kib)}" if self.of_kib is not None else "")


POOLS = {"method_allocator": "planned buffers", "temp_allocator": "scratch"}
"""The runner's pools in plain words."""


def limit_words(kibibytes: float) -> str:
    """``64 KiB``: a limit is mostly a whole number."""
    return kib_words(kibibytes).replace(".0 ", " ")


def totals(state: State) -> list[Total]:
    """Memories by Vela's account, then the runner's pools by what the program asks of them."""
    estimate = state.estimate
    found = []
    if estimate is not None:
        found += [
            Total("SRAM", "sram", estimate.sram_kib, budget(state, "Sram")),
            Total("flash", "flash", estimate.flash_kib),
            Total("DRAM", "dram", estimate.dram_kib),
        ]
    for pool in state.pools:
        available = None if pool.available is None else pool.available / 1024
        found.append(Total(POOLS.get(pool.name, clean(pool.name, 20)), "cpu", pool.needed / 1024, available))
    return found


def used_words(area: Area, most: int, limit_kib: float | None) -> str:
    """``48.0 KiB of 64 KiB, 75%``."""
    if not limit_kib:
        return kib(most)
    return f"{kib(most)} of {limit_words(limit_kib)}, {percentage(most / 1024 / limit_kib)}"
