"""The state as the JSON that ``run --json``, ``show --json`` and exports print."""

from typing import Any

import msgspec

from tui.run.events import COMPILE_STAGES, STAGES
from tui.run.figures import spread
from tui.run.state import SCHEMA_VERSION, State, checked


def _figures(value: Any) -> Any:
    return msgspec.to_builtins(value)


def to_json(state: State) -> dict[str, Any]:
    """The object ``run --json`` and ``show --json`` print: the contract, schema_version 1.

    All keys are always there; what is not known is null or empty, with the cause in ``notes``.
    """
    wanted = COMPILE_STAGES if state.spec is not None and state.spec.until == "emit" else STAGES
    stages = [
        {k: v for k, v in _figures(s).items() if k in ("name", "status", "seconds", "cached", "reason", "progress")}
        for s in state.stages
        if s.name in wanted
    ]
    run = _figures(state.run)
    return {
        "schema_version": SCHEMA_VERSION,
        "run": run,
        "spec": _figures(state.spec),
        "versions": _figures(state.versions),
        "stages": stages,
        "delegation": None
        if state.delegation is None
        else {**_figures(state.delegation), "causes": _figures(state.delegation.causes)},
        "estimate": _figures(state.estimate),
        "partitions": _figures(state.partitions),
        "operators": _figures(state.operators),
        "tensors": _figures(state.tensors),
        "layers": _figures(state.layers),
        "cpu": _figures(state.cpu),
        "inferences": _figures(state.inferences),
        "spread": {
            "npu_cycles": _figures(spread(i.npu_cycles for i in state.inferences)),
            "wall_s": _figures(spread(i.wall_s for i in state.inferences)),
        },
        "pools": _figures(state.pools),
        "memory": _figures(state.memory),
        "profile": _figures(state.profile),
        "statistics": _figures(state.statistics),
        "check": _figures(checked(state)),
        "platform": _figures(state.platform),
        "verdict": None
        if state.verdict is None
        else {k: v for k, v in _figures(state.verdict).items() if k not in ("event", "t")},
        "limits": _figures(state.limits),
        "artifacts": _figures(state.artifacts),
        "notes": list(state.notes),
    }
