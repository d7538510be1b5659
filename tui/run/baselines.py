"""Baselines: the runs that others are measured against, at most one for a model on a family of NPUs.

They are the user's choice and stand in a file of their own beside the runs. One whose run is gone counts for nothing.
"""

from collections.abc import Mapping

import msgspec

from tui import config
from tui.errors import UserError
from tui.files import write_whole

FILE = "baselines.json"


class Family(msgspec.Struct, frozen=True):
    """A model on NPUs of any size of one kind: what a baseline is for."""

    model: str
    npu: str
    """Vela's name of an accelerator without its MACs: ``ethos-u85``."""


class Baseline(msgspec.Struct, frozen=True):
    """The run that a family is measured against."""

    family: Family
    run: str
    """Name of its directory."""


def family(model: str | None, accelerator: str | None) -> Family | None:
    """Return the family of a run; None where its model or its target is not known."""
    if model is None or accelerator is None:
        return None
    npu, _, size = accelerator.rpartition("-")
    return Family(model, npu if size.isdecimal() else accelerator)


def read() -> Mapping[Family, str]:
    """Read the names of the baselines' runs; none where there is no file, or what is in it is not that."""
    try:
        known = msgspec.json.decode((config.home() / FILE).read_bytes(), type=list[Baseline])
    except (OSError, msgspec.DecodeError):
        return {}
    return {baseline.family: baseline.run for baseline in known}


def mark(of: Family, run: str | None) -> None:
    """Make a run the baseline of its family; None unmarks the one there is.

    Raises:
        UserError: the data folder cannot be written.
    """
    known = dict(read())
    known.pop(of, None)
    if run is not None:
        known[of] = run
    try:
        content = msgspec.json.encode([Baseline(family, name) for family, name in known.items()])
        write_whole(config.home() / FILE, content)
    except (OSError, UnicodeError) as error:
        raise UserError(f"cannot keep the baseline: {error}") from error
