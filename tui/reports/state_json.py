"""A state as the JSON that ``run --json``, ``show --json`` and exports print."""

from collections.abc import Callable
from typing import Any

import msgspec

from tui.run.derived import checked, stages_of
from tui.run.figures import spread
from tui.run.state import LIVE, SCHEMA_VERSION, State


def to_json(state: State) -> dict[str, Any]:
    """The object ``run --json`` and ``show --json`` print: the contract, schema_version 1.

    All keys are always there; what is not known is null or empty, with the cause in ``notes``.
    """
    figures = {
        name: SHAPED[name](state) if name in SHAPED else msgspec.to_builtins(getattr(state, name))
        for name in State.__struct_fields__
        if name not in LIVE
    }
    return {"schema_version": SCHEMA_VERSION, **figures, "spread": _spread(state)}


def _stages(state: State) -> list[dict[str, Any]]:
    reachable = stages_of(state.spec)
    return [_without(stage, "started", "finished", "line") for stage in state.stages if stage.name in reachable]


def _delegation(state: State) -> dict[str, Any] | None:
    if state.delegation is None:
        return None
    return {**msgspec.to_builtins(state.delegation), "causes": msgspec.to_builtins(state.delegation.causes)}


def _spread(state: State) -> dict[str, Any]:
    return {
        "npu_cycles": msgspec.to_builtins(spread(inference.npu_cycles for inference in state.inferences)),
        "wall_s": msgspec.to_builtins(spread(inference.wall_s for inference in state.inferences)),
    }


def _without(value: msgspec.Struct, *names: str) -> dict[str, Any]:
    return {name: figure for name, figure in msgspec.to_builtins(value).items() if name not in names}


SHAPED: dict[str, Callable[[State], Any]] = {
    "stages": _stages,
    "delegation": _delegation,
    "check": lambda state: msgspec.to_builtins(checked(state)),
    "verdict": lambda state: None if state.verdict is None else _without(state.verdict, "event", "t"),
}
"""Fields whose JSON is not the value as it is."""
