"""The cell of a campaign that a run is for, as a file in the run's folder says it from the first moment."""

from pathlib import Path

import msgspec

FILE = "campaign.json"
CAMPAIGNS = "campaigns"
"""The folder of all campaigns, in the data folder."""


class Belonging(msgspec.Struct, frozen=True):
    """A cell: its campaign, the hash of its content, and which attempt at it this is."""

    campaign: str
    key: str
    attempt: int = 1


def encode(belonging: Belonging) -> dict[str, bytes]:
    """The file, by its name, to make a run with."""
    return {FILE: msgspec.json.encode(belonging)}


def of(directory: Path) -> Belonging | None:
    """The cell that a run is for; None where it is for none, or its file cannot be read."""
    try:
        return msgspec.json.decode((directory / FILE).read_bytes(), type=Belonging)
    except (OSError, msgspec.DecodeError):
        return None
