"""The NPU's operators arranged for a view, ranked or as a tree of modules, and as a table of text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from tui.reports.execution import estimated_by
from tui.reports.format import UNKNOWN, labelled, number, percentage, table
from tui.run.figures import Operator
from tui.run.state import State
from tui.text import clean

Order = Literal["cycles", "schedule", "name"]
ORDERS: tuple[Order, ...] = ("cycles", "schedule", "name")

NO_MODULE = "(module not known)"

Detail = Literal["top", "all", "modules"]
"""Operators in a summary: those of most cycles, all, or all below their modules."""

TOP_OPERATORS = 12

LIMITERS = {
    "MAC": "MAC array",
    "output": "output stage",
    "commands": "command stream",
    "weights": "weight decoder",
    "Sram": "SRAM",
    "Dram": "DRAM",
    "OnChipFlash": "on-chip flash",
    "OffChipFlash": "flash",
}
"""Names of what limits an operator, by the word in its figures."""


@dataclass(frozen=True)
class Entry:
    """A line: an operator with those it has taken in, or all operators of a module or a partition."""

    key: str
    label: str
    depth: int
    cycles: int | None
    operator: int | None
    """Its place among the operators; None for a module or a partition."""
    first: int
    """Place of the first operator in it."""
    kind: str = ""
    """Vela's names of the operator and of those fused into it: ``Conv2D+Add+Clamp``."""


def entries(operators: Sequence[Operator], order: Order = "cycles", words: str = "") -> list[Entry]:
    """All operators, flat. `words` must all be in an operator's name, kind, source line or bound."""
    members = _members(operators)
    matching = [_entry(operators, at, members[at]) for at in members if _matches(operators[at], members[at], words)]
    return sorted(matching, key=lambda entry: _rank(entry, order))


def tree(operators: Sequence[Operator], order: Order = "cycles", words: str = "") -> list[Entry]:
    """Operators below their modules, and these below their partitions where there are several."""
    partitions: dict[int, _Module] = {}
    for entry in entries(operators, "schedule", words):
        operator = operators[entry.first]
        path = [NO_MODULE] if operator.module is None else [part for part in operator.module.split(".") if part]
        number = operator.partition
        # Below its module an operator goes by what it does.
        partitions.setdefault(number, _Module(f"partition {number}", f"partition {number}")).place(
            path, replace(entry, label=entry.kind if operator.module else entry.label)
        )
    if len({operator.partition for operator in operators}) < 2:
        return [line for partition in partitions.values() for line in partition.below(0, order)]
    groups = [(partition.entry(), partition.below(1, order)) for partition in partitions.values()]
    return [line for own, below in sorted(groups, key=lambda group: _rank(group[0], order)) for line in (own, *below)]


def _members(operators: Sequence[Operator]) -> dict[int, list[Operator]]:
    """Operators that stand for themselves, each with those fused into it."""
    members: dict[int, list[Operator]] = {at: [] for at, o in enumerate(operators) if o.fused_into is None}
    for operator in operators:
        if operator.fused_into is not None:
            members.setdefault(operator.fused_into, []).append(operator)
    return members


def _entry(operators: Sequence[Operator], at: int, members: Sequence[Operator]) -> Entry:
    operator = operators[at]
    kind = "+".join([operator.op, *(member.op for member in members)])
    return Entry(str(at), operator.name, 0, operator.cycles, at, at, kind)


def _matches(operator: Operator, members: Sequence[Operator], words: str) -> bool:
    texts = [t for o in (operator, *members) for t in (o.name, o.op, o.line, o.bound, limiter(o)) if t]
    text = " ".join(texts).lower()
    return all(word in text for word in words.lower().split())


def _rank(entry: Entry, order: Order) -> tuple[object, ...]:
    if order == "name":
        return entry.label, entry.first
    return (-(entry.cycles or 0), entry.first) if order == "cycles" else (entry.first,)


@dataclass
class _Module:
    """A module under construction: its name and its contents."""

    key: str
    label: str
    children: "dict[str, _Module]" = field(default_factory=dict)
    own: list[Entry] = field(default_factory=list)

    def place(self, path: Sequence[str], entry: Entry) -> None:
        """Put an operator below the modules of `path`."""
        if not path:
            self.own.append(entry)
            return
        name, *rest = path
        key = f"{self.key}.{name}"
        self.children.setdefault(name, _Module(key, name)).place(rest, entry)

    def entry(self) -> Entry:
        """The module's entry, with the sum of its contents."""
        inside = self._inside()
        cycles = [entry.cycles for entry in inside if entry.cycles is not None]
        total = sum(cycles) if len(cycles) == len(inside) else None
        return Entry(f"module:{self.key}", self.label, 0, total, None, min(entry.first for entry in inside))

    def _inside(self) -> list[Entry]:
        return [*self.own, *(entry for child in self.children.values() for entry in child._inside())]

    def lines(self, depth: int, order: Order) -> list[Entry]:
        """The module's line and those of its contents; a module with a single operator is that operator's line."""
        module, label = self, self.label
        # A module with nothing in it but another module is no level of its own.
        while not module.own and len(module.children) == 1:
            (module,) = module.children.values()
            label = f"{label}.{module.label}"
        if len(module.own) == 1 and not module.children:
            return [replace(module.own[0], label=label, depth=depth)]
        return [replace(module.entry(), label=label, depth=depth), *module.below(depth + 1, order)]

    def below(self, depth: int, order: Order) -> list[Entry]:
        """The lines of the module's contents."""
        groups = [
            *((entry, [replace(entry, depth=depth)]) for entry in self.own),
            *((child.entry(), child.lines(depth, order)) for child in self.children.values()),
        ]
        ordered = sorted(groups, key=lambda group: _rank(group[0], order))
        return [line for _, lines in ordered for line in lines]


def operator_lines(state: State, detail: Detail) -> Iterator[str]:
    """A table of the operators on the NPU."""
    operators = state.operators
    if not operators:
        return
    yield labelled("Operators", f"on the NPU, cycles estimated by {estimated_by(state)}")
    arranged = tree(operators) if detail == "modules" else entries(operators)
    shown = arranged[:TOP_OPERATORS] if detail == "top" else arranged
    total = sum(operator.cycles or 0 for operator in operators)
    rows = [["operator", "", "cycles", "share", "limited by", "MAC use", "traced", "traced / est."]]
    rows += [_row(entry, operators, total) for entry in shown]
    columns = len(rows[0]) if any(operator.traced_source == "measured" for operator in operators) else 6
    yield from (f"  {line}" for line in table([row[:columns] for row in rows], right={2, 3, *range(5, columns)}))
    if rest := arranged[len(shown) :]:
        yield f"  and {len(rest)} more: {number(sum(entry.cycles or 0 for entry in rest))} cycles"


def _row(entry: Entry, operators: Sequence[Operator], total: int) -> list[str]:
    cells = [
        "  " * entry.depth + clean(entry.label, 40),
        clean(entry.kind, 40) + ("" if entry.operator is None else commands_words(operators[entry.operator])),
        number(entry.cycles),
        percentage((entry.cycles or 0) / total) if total else "",
    ]
    if entry.operator is None:
        return [*cells, "", "", "", ""]
    operator = operators[entry.operator]
    traced = [number(operator.traced_cycles), traced_ratio(operator)]
    return [*cells, limiter(operator) or UNKNOWN, percentage(operator.utilization), *traced]


def commands_words(operator: Operator) -> str:
    """The number of commands of an operator that is made of several: `` in 24 commands``."""
    return f" in {number(operator.npu_commands)} commands" if (operator.npu_commands or 0) > 1 else ""


def limiter(operator: Operator) -> str:
    """The part of the NPU or the memory that limits an operator; empty where it is not known."""
    return LIMITERS.get(operator.bound or "", clean(operator.bound or "", 20))


def traced_ratio(operator: Operator) -> str:
    """Traced cycles to estimated ones."""
    if operator.traced_cycles is None or not operator.total_cycles:
        return UNKNOWN
    return number(operator.traced_cycles / operator.total_cycles, 2)


def needs_words(operator: Operator) -> str:
    """Cycles that each part of the NPU needs by itself, the most first: ``MAC array 2,048, output stage 1,024``."""
    ranked = sorted(operator.needs.items(), key=lambda need: -need[1])
    return ", ".join(f"{LIMITERS.get(part, clean(part, 20))} {number(cycles)}" for part, cycles in ranked)
