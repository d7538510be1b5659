"""What is installed here, which platform a run would take and why, and what to do about what is missing."""

import os
import platform
import shutil
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import Literal

from packaging.requirements import Requirement

from tui import __version__, config
from tui.errors import UserError
from tui.platform import discovery, firmware_store, inspection, parameters, selection
from tui.run.figures import Figure
from tui.run.spec import Spec
from tui.toolchain import firmware_images, qemu, vela

MIN_FREE_GIB = 2
EXPECTED = {"torch": "2.13.0", "executorch": "1.5.1", "ethos-u-vela": "5.1.0"}
"""The versions fvp-tui is made for and tested with."""

WHOLE = (("fvp-tui", ("",)), ("executorch", ("", "ethos-u")))
"""Packages, with their extras, whose requirements are looked at."""


class Finding(Figure):
    """One thing looked at."""

    name: str
    status: Literal["ok", "missing", "warning"]
    detail: str
    hint: str = ""


class Ability(Figure):
    """One thing that fvp-tui does, whether it will work here, and the names of findings that stand against it."""

    name: str
    works: bool
    lacks: tuple[str, ...]


class Diagnosis(Figure):
    """All findings and what they come to."""

    findings: tuple[Finding, ...]
    works: tuple[Ability, ...]
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
    place = config.home()
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


def _requirements() -> Finding:
    """What the installed packages ask of each other, as their own metadata says it."""
    name = "together"
    missing = []
    for package, extras in WHOLE:
        try:
            asked = [Requirement(text) for text in metadata.requires(package) or ()]
        except metadata.PackageNotFoundError:
            continue
        wanted = [r for r in asked if r.marker is None or any(r.marker.evaluate({"extra": e}) for e in extras)]
        missing += [f"{package} needs {r}" for r in wanted if not _satisfied(r)]
    if missing:
        return Finding(
            name=name,
            status="warning",
            detail="; ".join(missing),
            hint="install fvp-tui into a virtual environment of its own",
        )
    return Finding(name=name, status="ok", detail="the packages have what they ask of each other")


def _satisfied(requirement: Requirement) -> bool:
    try:
        return requirement.specifier.contains(metadata.version(requirement.name), prereleases=True)
    except metadata.PackageNotFoundError:
        return False


def _fvp() -> tuple[Finding, bool]:
    """The FVP, started to see whether it does; True where it can be used."""
    try:
        found = discovery.find_fvp(None)
        if found is None:
            hint = (
                "none is needed: the simulator takes its place; Arm's Ecosystem FVP for Corstone-320 is free of charge"
            )
            return Finding(name="fvp", status="warning", detail="not found", hint=hint), False
        choice = selection.platform_only(Spec(model="", platform="fvp"))
    except UserError as error:
        return Finding(name="fvp", status="missing", detail=error.what, hint=error.hint), False
    said = f"Fast Models {choice.version}" if choice.version else "does not tell its version"
    listed = len(parameters.of(choice))
    if not listed:
        hint = f"parameters are then given unseen; see whether it prints a list: {choice.name} --list-params"
        return Finding(name="fvp", status="warning", detail=f"{found}, {said}, lists no parameters", hint=hint), True
    return Finding(name="fvp", status="ok", detail=f"{found}, {said}, {listed} parameters"), True


def _runner() -> tuple[Finding, bool]:
    """The program an FVP would run; True where there is one that it could."""
    try:
        found = discovery.find_runner(None)
        if found is None:
            hint = "fvp-tui firmware install gets one ready made; or --runner ELF"
            return Finding(name="runner", status="warning", detail="none for the FVP", hint=hint), False
        program = inspection.inspect(found.path)
    except UserError as error:
        return Finding(name="runner", status="missing", detail=error.what, hint=error.hint), False
    return Finding(name="runner", status="ok", detail=f"{found}: {program.name}"), True


def _firmware() -> Finding:
    there = [image.name for image in firmware_images.IMAGES if firmware_store.installed(image)]
    there += ["built from a checkout"] * (firmware_store.built() is not None)
    if not there:
        hint = "fvp-tui firmware install"
        return Finding(name="firmware", status="warning", detail="Arm's prebuilt firmware is not installed", hint=hint)
    return Finding(name="firmware", status="ok", detail=", ".join(there))


def _emulator() -> tuple[Finding, bool]:
    """What the simulator's firmware engine needs; True where it will work."""
    name = "firmware engine"
    if sys.platform != "linux":
        return Finding(name=name, status="warning", detail="it is there on Linux only"), False
    program = qemu.find()
    if program is None:
        detail = f"{qemu.PROGRAM} is not installed"
        return Finding(name=name, status="warning", detail=f"{detail}; optional", hint=qemu.INSTALL), False
    try:
        version = qemu.version(program)
    except qemu.QemuError as error:
        return Finding(name=name, status="warning", detail=str(error), hint=qemu.INSTALL), False
    detail = f"{program}, QEMU {version}"
    if firmware_store.installed(firmware_images.CORSTONE_300) is None:
        hint = "fvp-tui firmware install"
        return Finding(name=name, status="warning", detail=f"{detail}, without the firmware", hint=hint), False
    if not qemu.is_tested(version):
        hint = f"tested with QEMU {', '.join(qemu.TESTED)}"
        return Finding(name=name, status="warning", detail=f"{detail}, not tested", hint=hint), True
    return Finding(name=name, status="ok", detail=detail), True


def examine() -> Diagnosis:
    """Look at everything a run needs; imports nothing heavy. An FVP that is found is started, to see that it can be."""
    packages = [_package(name) for name in EXPECTED]
    targets, terminal, disk = _vela(), _terminal(), _disk()
    fvp, fvp_works = _fvp()
    runner, runner_works = _runner()
    emulator, emulates = _emulator()
    findings = [
        Finding(name="fvp-tui", status="ok", detail=f"{__version__}, Python {platform.python_version()}"),
        *packages,
        _requirements(),
        targets,
        fvp,
        runner,
        _firmware(),
        emulator,
        terminal,
        disk,
    ]
    compiles = [f.name for f in (*packages, targets, disk) if f.status == "missing"]
    on_fvp = [f.name for f, works in ((fvp, fvp_works), (runner, runner_works)) if not works]
    works = (
        _ability("compile a model", compiles),
        _ability("run a program on the simulator", [disk.name] * (disk.status == "missing")),
        _ability("run a program on the FVP", [*on_fvp, *[disk.name] * (disk.status == "missing")]),
        _ability("count the CPU's instructions", [emulator.name] * (not emulates)),
        _ability("the full screen", [terminal.name] * (terminal.status != "ok")),
    )
    chosen, why = None, ""
    try:
        choice = selection.choose(Spec(model=""))
        chosen, why = choice.kind, choice.why
    except UserError as error:
        why = str(error)
    # An FVP is not needed, so that one that does not work is no reason to say that nothing does.
    needed = [f for f in findings if f not in (fvp, runner)]
    ready = chosen is not None and all(finding.status != "missing" for finding in needed)
    return Diagnosis(findings=tuple(findings), works=works, platform=chosen, why=why, ready=ready)


def _ability(name: str, lacks: Sequence[str]) -> Ability:
    return Ability(name=name, works=not lacks, lacks=tuple(lacks))
