"""What is installed here, which platform a run would take and why, and what to do about what is missing."""

import os
import platform
import shutil
import sys
from importlib import metadata
from typing import Literal

from tui import __version__, runs, vela
from tui.errors import UserError
from tui.figures import Figure
from tui.platform import discovery
from tui.spec import Spec

MIN_FREE_GIB = 2
EXPECTED = {"torch": "2.13.0", "executorch": "1.5.1", "ethos-u-vela": "5.1.0"}
"""The versions fvp-tui is made for and tested with."""


class Finding(Figure):
    """One thing looked at."""

    name: str
    status: Literal["ok", "missing", "warning"]
    detail: str
    hint: str = ""


class Diagnosis(Figure):
    """All findings and what they come to."""

    findings: tuple[Finding, ...]
    platform: str | None
    """``fvp`` or ``simulator``: what ``--platform auto`` would take."""
    why: str
    ready: bool


def _package(name: str) -> Finding:
    try:
        found = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Finding(
            name=name, status="missing", detail="not installed", hint=f"pip install {name}=={EXPECTED[name]}"
        )
    if found.partition("+")[0] != EXPECTED[name]:
        hint = f"fvp-tui is made for {EXPECTED[name]}"
        return Finding(name=name, status="warning", detail=found, hint=hint)
    return Finding(name=name, status="ok", detail=found)


def _vela() -> Finding:
    try:
        known = vela.lists()
    except vela.VelaMissing as error:
        return Finding(name="targets", status="missing", detail=str(error), hint="pip install 'executorch[ethos-u]'")
    return Finding(name="targets", status="ok", detail=", ".join(known.accelerators))


def _disk() -> Finding:
    place = runs.home()
    existing = next(p for p in (place, *place.parents) if p.exists())
    if not os.access(existing, os.W_OK):
        return Finding(
            name="data folder", status="missing", detail=f"{place} cannot be written", hint="set FVP_TUI_HOME"
        )
    free = shutil.disk_usage(existing).free / 2**30
    status: Literal["ok", "warning"] = "ok" if free >= MIN_FREE_GIB else "warning"
    return Finding(name="data folder", status=status, detail=f"{place}, {free:.0f} GiB free")


def _terminal() -> Finding:
    term = os.environ.get("TERM", "")
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        detail, hint = "none here", "the full screen needs one; run, compile and show do not"
        return Finding(name="terminal", status="warning", detail=detail, hint=hint)
    columns, lines = shutil.get_terminal_size()
    if term in ("", "dumb"):
        return Finding(
            name="terminal", status="warning", detail=f"TERM={term}", hint="the full screen needs a real one"
        )
    return Finding(name="terminal", status="ok", detail=f"{term} {columns}x{lines}")


def _fvp() -> Finding:
    try:
        found = discovery.find_fvp(None)
    except UserError as error:
        return Finding(name="fvp", status="warning", detail=error.what, hint=error.hint)
    if found is None:
        hint = "none is needed: the simulator takes its place; Arm's Ecosystem FVP Corstone-320 is on developer.arm.com"
        return Finding(name="fvp", status="warning", detail="not found", hint=hint)
    return Finding(name="fvp", status="ok", detail=str(found))


def examine() -> Diagnosis:
    """Look at everything a run needs; imports nothing heavy."""
    findings = [
        Finding(name="fvp-tui", status="ok", detail=f"{__version__}, Python {platform.python_version()}"),
        *(_package(name) for name in EXPECTED),
        _vela(),
        _fvp(),
        _terminal(),
        _disk(),
    ]
    chosen, why = None, ""
    try:
        choice = discovery.choose(Spec(model=""))
        chosen, why = choice.kind, choice.why
        findings.append(Finding(name="platform", status="ok", detail=f"{choice.name} {choice.version or ''}".strip()))
    except UserError as error:
        findings.append(Finding(name="platform", status="missing", detail=error.what, hint=error.hint))
        why = str(error)
    ready = all(finding.status != "missing" for finding in findings)
    return Diagnosis(findings=tuple(findings), platform=chosen, why=why, ready=ready)
