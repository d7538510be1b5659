"""Diagnosis of an installation: what is there, what will work, and what to do about what is missing."""

import os
import platform
import shutil
import sys
from collections.abc import Mapping
from importlib import metadata
from typing import Literal

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tui import __version__, config
from tui.errors import UserError
from tui.platform import discovery, firmware_store, parameters, selection, serial_port
from tui.run.figures import Figure
from tui.run.spec import Spec
from tui.text import counted
from tui.toolchain import boards, firmware_images, ports, qemu, toolchains, vela
from tui.toolchain.boards import Board
from tui.toolchain.target import Target, on_board_of
from tui.toolchain.toolchains import Toolchain

MIN_FREE_GIB = 2
TOOLCHAIN, NOT_INSTALLED = "toolchain", "not installed"
TESTED = {
    "torch": SpecifierSet(">=2.13,<2.14"),
    "executorch": SpecifierSet(">=1.4.1,<1.6"),
    "ethos-u-vela": SpecifierSet(">=5.0,<5.3"),
}
"""Versions that fvp-tui is tested with."""

FOR_GPUS = ("nvidia-", "cuda-", "triton")
"""Beginnings of the names of what torch's build for GPUs needs."""

WHOLE = (("fvp-tui", ("",)), ("executorch", ("", "ethos-u")), ("ethos-u-vela", ("",)))
"""Packages, with their extras, whose requirements are checked."""


class Finding(Figure):
    """Result of one check."""

    name: str
    status: Literal["ok", "missing", "warning"]
    detail: str
    hint: str = ""


class Ability(Figure):
    """A use of fvp-tui, and the names of the findings that prevent it."""

    name: str
    works: bool
    lacks: tuple[str, ...]


class Diagnosis(Figure):
    """All findings and the abilities that follow from them."""

    findings: tuple[Finding, ...]
    works: tuple[Ability, ...]
    platform: str | None
    """``fvp`` or ``simulator``: the choice of ``--platform auto``."""
    why: str
    ready: bool


def _compiler() -> tuple[Finding, ...]:
    """Packages of the user's toolchain, and its Python where that is another one.

    That there is none is no fault: a light installation runs what was compiled elsewhere.
    """
    try:
        toolchain = toolchains.of(toolchains.default())
    except UserError as error:
        return (Finding(name=TOOLCHAIN, status="missing", detail=error.what, hint=error.hint),)
    version = ".".join(map(str, toolchain.version))
    named = Finding(name=TOOLCHAIN, status="ok", detail=f"{toolchain.python}, Python {version}")
    packages = (_package(name, toolchain) for name in TESTED)
    return (*packages,) if toolchain.own else (named, *packages)


def _package(name: str, toolchain: Toolchain) -> Finding:
    version = toolchain.packages.get(name)
    if version is None:
        hint = toolchains.WAYS if toolchain.own else f"pip install {name}, for {toolchain.python}"
        return Finding(name=name, status="warning", detail=NOT_INSTALLED, hint=hint)
    if not TESTED[name].contains(version, prereleases=True):
        return Finding(name=name, status="warning", detail=version, hint=f"tested with {TESTED[name]}")
    if name == "torch" and toolchain.own and (size := _for_gpus()):
        hint = "nothing here uses them: torch's build for the CPU comes without (docs/toolchains.md)"
        return Finding(name=name, status="ok", detail=f"{version}, with {size / 1e9:.1f} GB for GPUs", hint=hint)
    return Finding(name=name, status="ok", detail=version)


def _for_gpus() -> int:
    """Bytes of the packages that came with torch's build for GPUs, by their own lists of files."""
    packages = (one for one in metadata.distributions() if one.name and one.name.lower().startswith(FOR_GPUS))
    return sum(file.size or 0 for package in packages for file in package.files or ())


def _vela() -> Finding:
    try:
        lists = vela.lists()
    except vela.VelaMissing as error:
        return Finding(name="targets", status="missing", detail=str(error), hint="pip install ethos-u-vela")
    return Finding(name="targets", status="ok", detail=", ".join(lists.accelerators))


def _disk() -> Finding:
    place = config.home()
    existing = next(p for p in (place, *place.parents) if p.exists())
    if not os.access(existing, os.W_OK):
        return Finding(name="data folder", status="missing", detail=f"{place} is not writable", hint="set FVP_TUI_HOME")
    free = shutil.disk_usage(existing).free / 2**30
    status: Literal["ok", "warning"] = "ok" if free >= MIN_FREE_GIB else "warning"
    return Finding(name="data folder", status=status, detail=f"{place}, {free:.0f} GiB free")


def _terminal() -> Finding:
    term = os.environ.get("TERM", "")
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        detail, hint = "none", "the full-screen program needs one; run, compile and show do not"
        return Finding(name="terminal", status="warning", detail=detail, hint=hint)
    columns, lines = shutil.get_terminal_size()
    if term in ("", "dumb"):
        return Finding(
            name="terminal", status="warning", detail=f"TERM={term}", hint="the full-screen program needs a capable one"
        )
    return Finding(name="terminal", status="ok", detail=f"{term} {columns}x{lines}")


def _requirements() -> Finding:
    """Requirements of the installed packages, by their own metadata."""
    name = "together"
    missing = []
    for package, extras in WHOLE:
        try:
            declared = [Requirement(text) for text in metadata.requires(package) or ()]
        except metadata.PackageNotFoundError:
            continue
        active = [r for r in declared if r.marker is None or any(r.marker.evaluate({"extra": e}) for e in extras)]
        missing += [f"{package} needs {r}" for r in active if not _satisfied(r)]
    if missing:
        return Finding(
            name=name,
            status="warning",
            detail="; ".join(missing),
            hint="install fvp-tui in a virtual environment of its own",
        )
    return Finding(name=name, status="ok", detail="all requirements of the packages are met")


def _satisfied(requirement: Requirement) -> bool:
    try:
        return requirement.specifier.contains(metadata.version(requirement.name), prereleases=True)
    except metadata.PackageNotFoundError:
        return False


def _fvp(board: Board = boards.DEFAULT) -> tuple[Finding, bool] | None:
    """A board's FVP, which is started to check that it starts; True if it can be used. None where there is none."""
    name = _of("fvp", board)
    try:
        path = discovery.find_fvp(None, board)
        if path is None:
            return None
        choice = selection.platform_only(Spec(model="", target=_target(board), platform="fvp"))
    except UserError as error:
        return Finding(name=name, status="missing", detail=error.what, hint=error.hint), False
    version = f"Fast Models {choice.version}" if choice.version else "unknown version"
    listed = len(parameters.of(choice))
    if not listed:
        hint = f"parameters are passed unchecked; try: {choice.name} --list-params"
        return Finding(name=name, status="warning", detail=f"{path}, {version}, lists no parameters", hint=hint), True
    return Finding(name=name, status="ok", detail=f"{path}, {version}, {counted(listed, 'parameter')}"), True


def _runner(board: Board = boards.DEFAULT) -> tuple[Finding, bool]:
    """The runner for a board's FVP; True if there is one that it can run."""
    name = _of("runner", board)
    try:
        runner = discovery.find_runner(None, board)
        if runner is None:
            hint = selection.runner_hint(board)
            return Finding(name=name, status="warning", detail="none for the FVP", hint=hint), False
        program = selection.inspected(runner.path, board)
    except UserError as error:
        return Finding(name=name, status="missing", detail=error.what, hint=error.hint), False
    return Finding(name=name, status="ok", detail=f"{runner}: {program.name}"), True


def _of(what: str, board: Board) -> str:
    """The name of a finding about a board: that of the default one goes without the board."""
    return what if board is boards.DEFAULT else f"{what}, {board.npu.name}"


def _target(board: Board) -> Target:
    return on_board_of(board.npu.default_accelerator)


NO_FVP = Finding(
    name="fvp",
    status="warning",
    detail="not found",
    hint="optional: the simulator takes its place; Arm's Ecosystem FVPs for "
    + " and ".join(dict.fromkeys(board.name.partition(" ")[0] for board in boards.BOARDS))
    + " are free of charge",
)


def _firmware() -> Finding:
    installed = [image.name for image in firmware_images.IMAGES if firmware_store.installed(image)]
    built = [board.npu.name for board in boards.BOARDS if firmware_store.built(board) is not None]
    if built:
        installed.append(f"built from a checkout for {', '.join(built)}")
    if not installed:
        hint = "fvp-tui firmware install"
        return Finding(name="firmware", status="warning", detail="Arm's prebuilt firmware is not installed", hint=hint)
    return Finding(name="firmware", status="ok", detail=", ".join(installed))


def _emulator() -> tuple[Finding, bool]:
    """QEMU and firmware for the simulator's firmware engine; True if it will work."""
    name = "firmware engine"
    if sys.platform != "linux":
        return Finding(name=name, status="warning", detail="available on Linux only"), False
    program = qemu.find()
    if program is None:
        detail = f"{qemu.PROGRAM} is not installed"
        return Finding(name=name, status="warning", detail=f"{detail} (optional)", hint=qemu.INSTALL), False
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


def _ports() -> list[tuple[Finding, bool]]:
    """The serial ports that are plugged in, and whether they can be used: a line each, since each is a board."""
    found = []
    for port in ports.plugged():
        try:
            serial_port.check(port)
        except UserError as error:
            found.append((Finding(name="board", status="warning", detail=error.what, hint=error.hint), False))
        else:
            found.append((Finding(name="board", status="ok", detail=f"{port} can be used"), True))
    return found


def _usable(port: tuple[Finding, bool]) -> bool:
    return port[1]


def examine() -> Diagnosis:
    """Check everything that a run needs, without heavy imports. An FVP is started, to see that it can be."""
    compiler = _compiler()
    targets, terminal, disk = _vela(), _terminal(), _disk()
    fvp, fvp_works = _fvp() or (NO_FVP, False)
    runner, runner_works = _runner()
    # Of other boards it is worth a line only what is there.
    others = [(board, found, _runner(board)) for board in boards.BOARDS[1:] if (found := _fvp(board)) is not None]
    more = [finding for _, found, with_runner in others for finding in (found[0], with_runner[0])]
    emulator, emulates = _emulator()
    on_ports = _ports()
    findings = [
        Finding(name="fvp-tui", status="ok", detail=f"{__version__}, Python {platform.python_version()}"),
        *compiler,
        _requirements(),
        targets,
        fvp,
        runner,
        *more,
        *(finding for finding, _ in on_ports),
        _firmware(),
        emulator,
        terminal,
        disk,
    ]
    disk_works = disk.status != "missing"
    works = (
        _ability("compile a model", {f: _there(f) for f in (*compiler, targets, disk)}),
        _ability("run a program on the simulator", {disk: disk_works}),
        _ability("run a program on the FVP", {fvp: fvp_works, runner: runner_works, disk: disk_works}),
        *(
            _ability(
                f"run a program on the FVP with {board.npu.name}",
                {found[0]: found[1], own[0]: own[1], disk: disk_works},
            )
            for board, found, own in others
        ),
        *(_ability("run a program on a board", dict([best])) for best in sorted(on_ports, key=_usable)[-1:]),
        _ability("count the CPU's instructions", {emulator: emulates}),
        _ability("the full screen", {terminal: terminal.status == "ok"}),
    )
    chosen, why = None, ""
    try:
        choice = selection.choose(Spec(model=""))
        chosen, why = choice.kind, choice.why
    except UserError as error:
        why = str(error)
    # An FVP is optional: a broken one does not make the installation unusable.
    needed = [f for f in findings if f not in (fvp, runner, *more, *(finding for finding, _ in on_ports))]
    ready = chosen is not None and all(finding.status != "missing" for finding in needed)
    return Diagnosis(findings=tuple(findings), works=works, platform=chosen, why=why, ready=ready)


def _there(finding: Finding) -> bool:
    return finding.status != "missing" and finding.detail != NOT_INSTALLED


def _ability(name: str, needs: Mapping[Finding, bool]) -> Ability:
    """An ability that works where all that it needs does."""
    lacks = tuple(finding.name for finding, works in needs.items() if not works)
    return Ability(name=name, works=not lacks, lacks=lacks)
