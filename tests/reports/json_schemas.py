"""JSON Schemas of what commands print, from the types. ``python -m tests.reports.json_schemas`` writes docs/schemas."""

from collections.abc import Mapping

import msgspec

from tests.conftest import REPOSITORY
from tui.campaign.result import Result

FOLDER = REPOSITORY / "docs" / "schemas"
PRINTED: Mapping[str, type[msgspec.Struct]] = {"campaign": Result}
"""Types of what ``fvp-tui COMMAND --json`` prints."""
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(kind: type[msgspec.Struct]) -> str:
    """The JSON Schema of a type as text."""
    found = {"$schema": DIALECT, **msgspec.json.schema(kind)}
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n"


if __name__ == "__main__":
    for name, kind in PRINTED.items():
        (FOLDER / f"{name}.schema.json").write_text(schema(kind), encoding="utf-8")
