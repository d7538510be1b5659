"""Settings of the full-screen program, remembered from one start to the next. Losing them costs a few key presses."""

import contextlib

import msgspec

from tui import config
from tui.errors import UserError
from tui.files import write_whole
from tui.run.spec import Limits, Spec
from tui.toolchain import toolchains

FILE = "remembered.json"


class Remembered(msgspec.Struct, frozen=True):
    """The spec of the last run that was started there, the theme that was picked, and what was said already."""

    spec: Spec | None = None
    theme: str | None = None
    welcomed: bool = False
    """The introduction was shown."""
    guided: bool = False
    """It was said what can be done with a finished run."""
    limit_ms: float = 0.0
    """Longest time of an inference that a sweep accepts; 0 for any."""


def read() -> Remembered:
    """Read the settings; the defaults where there is no file, or another version wrote it."""
    try:
        return msgspec.json.decode((config.home() / FILE).read_bytes(), type=Remembered)
    except (OSError, msgspec.DecodeError):
        return Remembered()


def first() -> Spec:
    """The spec that Setup begins with: the last one, or the default, and the user's toolchain unless it has one."""
    last = read().spec or Spec(model="")
    try:
        return msgspec.structs.replace(last, toolchain=last.toolchain or toolchains.default())
    except UserError:
        return last  # what is wrong with the toolchain is said where it is asked


def keep(
    *,
    spec: Spec | None = None,
    theme: str | None = None,
    welcomed: bool = False,
    guided: bool = False,
    limit_ms: float | None = None,
) -> None:
    """Remember what is given, beside what was."""
    known = read()
    # Inputs are a model's own, and limits a run's.
    if spec is not None:
        own = {"inferences": 1} if spec.dataset else {}
        spec = msgspec.structs.replace(spec, inputs=(), dataset=None, calibration=None, limits=Limits(), **own)
    now = Remembered(
        spec or known.spec,
        theme or known.theme,
        welcomed or known.welcomed,
        guided or known.guided,
        known.limit_ms if limit_ms is None else limit_ms,
    )
    # A data folder that cannot be written is said where a run is started.
    with contextlib.suppress(OSError):
        write_whole(config.home() / FILE, msgspec.json.encode(now))
