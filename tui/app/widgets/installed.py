"""Words on what programs can run on, for the first line of the Setup screen."""

from typing import Literal, NamedTuple

from tui.app.widgets.masthead import Words
from tui.app.widgets.words import model_name, since
from tui.reports.format import UNKNOWN
from tui.text import clean

THERE, MISSING = "✓", "✗"


class RunUnderWay(NamedTuple):
    """A run under way: the name of its directory, its model, the stage it is at, and when it began in Unix time."""

    name: str
    model: str
    doing: str
    begun: float | None


class Platforms(NamedTuple):
    """Versions of what programs run on; empty for one that tells none, None for one that is not there."""

    fvp: str | None
    qemu: str | None
    runs_on_fvp: bool
    """True if there is a runner for the FVP, too."""


Place = Literal["fvp", "simulator", "board", ""]


def place(found: Platforms | None, wanted: str) -> Place:
    """Find where a run takes place, by the platform that is asked for; empty while that is not known."""
    if wanted == "serial":
        return "board"
    if wanted == "fvp" or wanted == "simulator":
        return "fvp" if wanted == "fvp" else "simulator"
    if found is None:
        return ""
    return "fvp" if found.fvp is not None and found.runs_on_fvp else "simulator"


def installed_words(found: Platforms | None, wanted: str, *, compiles: bool, short: bool) -> list[Words]:
    """Say what is there, with the place of the run in bold; `short` has nothing but the place."""
    where = place(found, wanted)
    if short:
        if compiles:
            return [("compile only", "muted", False)]
        names = {"fvp": ("FVP", "ok", True), "simulator": ("SIMULATOR", "warn", True), "board": ("BOARD", "ok", True)}
        return [names[where] if where else ("FVP or SIMULATOR", "muted", False)]
    fvp, qemu = (found.fvp, found.qemu) if found else (None, None)
    words = [("compile only   ", "muted", False)] if compiles else []
    if where == "board" and not compiles:
        words.append(("BOARD   ", "ok", True))
    parts = (
        ("FVP", fvp, "ok", where == "fvp"),
        ("SIMULATOR", "", "warn", where == "simulator"),
        ("QEMU", qemu, "text", False),
    )
    for name, version, role, used in parts:
        bold = used and not compiles
        words.append((f"{name} ", role if bold else "muted", bold))
        if found is None and name != "SIMULATOR":
            words.append((f"{UNKNOWN}   ", "faint", False))
        elif version is None:
            words.append((f"{MISSING}   ", "fail", False))
        else:
            words.append((f"{THERE}{f' {version}' if version and name == 'FVP' else ''}   ", "ok", False))
    text, role, bold = words[-1]
    return [*words[:-1], (text.rstrip(), role, bold)]


def going_words(run: RunUnderWay, now: float, key: str) -> list[Words]:
    """Say which run is under way, what it does, for how long, and by which key it is watched."""
    taken = f" {since(run.begun, now)}" if run.begun is not None else ""
    return [
        (key, "accent", True),
        (" watches ", "muted", False),
        (f"{clean(model_name(run.model, 24), 24)} ", "strong", True),
        (f"{clean(run.doing, 20)}{taken}", "accent", False),
    ]
