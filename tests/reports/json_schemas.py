"""JSON Schemas of all that commands print with ``--json``, and of a journal's lines, generated from their types.

``make schemas``, or ``python -m tests.reports.json_schemas``, writes docs/schemas anew.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from tests.conftest import REPOSITORY
from tui.analysis.advice import Advised
from tui.analysis.compare import Comparison
from tui.analysis.sweep import Sweep
from tui.campaign.result import Result
from tui.doctor import Diagnosis
from tui.platform.parameters import Parameter
from tui.platform.presets import Preset
from tui.run.check import Check
from tui.run.delegation import CpuCause, Delegation
from tui.run.events import AnyEvent, PlatformExited
from tui.run.figures import Inference, Spread
from tui.run.state import LIVE, StageState, State

FOLDER = REPOSITORY / "docs" / "schemas"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

JOURNAL = "journal"
"""The one schema that is not of a command's output: that of each line. Earlier journals have fewer keys."""
OMITTING = frozenset({Preset.__name__})
"""Types of which only what was set is printed."""


def _derived(kind: type[msgspec.Struct], without: tuple[str, ...] = (), **changes: Any) -> Any:
    """A type with the fields of another, without some, and with others or other types."""
    types = {field.name: field.type for field in msgspec.structs.fields(kind) if field.name not in without}
    made = msgspec.defstruct(kind.__name__, list({**types, **changes}.items()), kw_only=True)
    made.__doc__ = kind.__doc__
    return made


Spreads = msgspec.defstruct("Spreads", [("npu_cycles", Spread | None), ("wall_s", Spread | None)])

StateJson = _derived(
    State,
    tuple(LIVE),
    schema_version=Literal[1],
    stages=tuple[_derived(StageState, ("started", "finished", "line")), ...],
    delegation=_derived(Delegation, causes=tuple[CpuCause, ...]) | None,
    verdict=_derived(PlatformExited, ("t",)) | None,
    spread=Spreads,
)
"""A state as `tui.reports.state_json` prints it."""


class History(msgspec.Struct):
    """The states of runs, newest first."""

    schema_version: Literal[1]
    runs: list[StateJson]


class Inferred(msgspec.Struct):
    """An inference of a served run, and the check so far."""

    schema_version: Literal[1]
    run: str
    inference: Inference
    check: Check | None
    outputs: str | None


class CampaignHead(msgspec.Struct):
    """A campaign, with the number of its cells by their status."""

    id: str
    name: str
    status: str
    cells: dict[str, int]
    seconds: float | None


class Campaigns(msgspec.Struct):
    """All campaigns, newest first."""

    schema_version: Literal[1]
    campaigns: list[CampaignHead]


class Model(msgspec.Struct):
    """A model that has a name."""

    name: str
    title: str
    group: Literal["samples", "executorch"]
    missing: list[str]


class Models(msgspec.Struct):
    """The models that have a name."""

    models: list[Model]


class Image(msgspec.Struct):
    """A prebuilt firmware image; `path` is null where it is not installed."""

    name: str
    what: str
    sha256: str
    path: str | None


class Versions(msgspec.Struct):
    """Versions of fvp-tui, its packages and the toolchain, which also has its path."""

    versions: dict[str, str | None]
    toolchain: dict[str, str | None]
    problem: str | None


PRINTED: Mapping[str, Any] = {
    "advise": Advised,
    "campaign": Result,
    "campaigns": Campaigns,
    "compare": Comparison,
    "doctor": Diagnosis,
    "firmware": list[Image],
    "history": History,
    "infer": Inferred,
    JOURNAL: AnyEvent,
    "models": Models,
    "params": list[Parameter],
    "presets": dict[str, Preset],
    "state": StateJson,
    "sweep": Sweep,
    "versions": Versions,
}
"""Types of what is printed, by the names of their schemas."""


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a name in `PRINTED`."""
    found = {"$schema": DIALECT, **msgspec.json.schema(PRINTED[name])}
    if name != JOURNAL:
        for part in found.get("$defs", {}).values():
            if "properties" in part and part.get("title") not in OMITTING:
                # What is not known is null: a key never lacks, whatever its default.
                part["required"] = list(part["properties"])
    return found


def text(name: str) -> str:
    """The published text of a schema."""
    return msgspec.json.format(msgspec.json.encode(schema(name)), indent=2).decode() + "\n"


if __name__ == "__main__":
    for name in PRINTED:
        (FOLDER / f"{name}.schema.json").write_text(text(name), encoding="utf-8")
