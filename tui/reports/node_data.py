"""Values that Model Explorer colours nodes by, a file each: a number with a gradient, or a word with a colour.

What is not known of a node is left out, and its node stays white. Colours are those of the light theme.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tui import themes
from tui.reports.execution import estimated_by
from tui.reports.operators import LIMITERS, limiter
from tui.run.figures import Operator, PlanStep
from tui.run.state import State

Value = int | float | str

HEAT = tuple(f"heat-{step}" for step in range(1, 6))
"""From little to much."""
SHADES = (*(f"tensor-{shade}" for shade in range(1, 7)), "heat-4", "heat-5")
PARTITIONS = ("npu-2", "npu-3")
"""Colours of neighbouring partitions, by turns."""
CPU = "cpu-2"


@dataclass(frozen=True)
class Overlay:
    """A figure of nodes."""

    suffix: str
    """In the file's name: ``RUN.cycles.json``."""
    name: Callable[[State], str]
    """Its name in Model Explorer, with the source of the figure."""
    value: Callable[[Operator | None, PlanStep | None], Value | None]
    """The value of an operator, or of a step; None where it is not known."""
    always: bool = True
    """False for a figure that most runs do not have."""


def _cycles(operator: Operator | None, step: PlanStep | None) -> Value | None:
    return None if operator is None else operator.cycles


def _utilization(operator: Operator | None, step: PlanStep | None) -> Value | None:
    if operator is None or operator.utilization is None:
        return None
    return round(100 * operator.utilization, 2)


def _bound(operator: Operator | None, step: PlanStep | None) -> Value | None:
    return None if operator is None else limiter(operator) or None


def _placement(operator: Operator | None, step: PlanStep | None) -> Value | None:
    partition = operator.partition if operator is not None else step.partition if step is not None else None
    return "CPU" if partition is None else f"NPU partition {partition}"


def _traced(operator: Operator | None, step: PlanStep | None) -> Value | None:
    return None if operator is None else operator.traced_cycles


def _instructions(operator: Operator | None, step: PlanStep | None) -> Value | None:
    return None if step is None or step.partition is not None else step.instructions


def _traced_name(state: State) -> str:
    sources = sorted({o.traced_source for o in state.operators if o.traced_source})
    return f"NPU cycles, PMU trace ({' and '.join(sources) or 'source not known'})"


OVERLAYS = (
    Overlay("cycles", lambda state: f"NPU cycles, estimated by {estimated_by(state)}", _cycles),
    Overlay("utilization", lambda state: f"MAC use in percent, estimated by {estimated_by(state)}", _utilization),
    Overlay("bound", lambda state: f"limited by, estimated by {estimated_by(state)}", _bound),
    Overlay("placement", lambda state: "placement", _placement),
    Overlay("traced", _traced_name, _traced, always=False),
    Overlay("instructions", lambda state: "CPU instructions, counted", _instructions, always=False),
)


def document(overlay: Overlay, values: Mapping[str, Value], name: str) -> dict[str, Any]:
    """The node data of a graph: values by node, and their colours."""
    colors = _colors()
    if not any(isinstance(value, str) for value in values.values()):
        last = len(HEAT) - 1
        gradient = [{"stop": at / last, "bgColor": colors[role]} for at, role in enumerate(HEAT)]
        # Cycles add up to something; percents do not.
        hidden = {"hideAggregatedStats": ["sum"]} if overlay.suffix == "utilization" else {}
        return {"name": name, "results": {id: {"value": v} for id, v in values.items()}, "gradient": gradient, **hidden}
    return {
        "name": name,
        "results": {id: {"value": v, "bgColor": colors[_role(str(v))]} for id, v in values.items()},
        "hideInAggregatedStatsTable": True,
        "showExpandedSummaryOnGroupNode": True,
        "showLabelCountColumnsInChildrenStatsTable": True,
    }


def _role(word: str) -> str:
    if word == "CPU":
        return CPU
    kind, _, partition = word.rpartition(" ")
    if kind == "NPU partition":
        return PARTITIONS[int(partition) % len(PARTITIONS)]
    known = list(LIMITERS.values())
    return SHADES[known.index(word) % len(SHADES)] if word in known else SHADES[-1]


@functools.cache
def _colors() -> Mapping[str, str]:
    light = themes.ours()["light"]
    return themes.variables(light, light)
