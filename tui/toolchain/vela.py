"""Accelerators and memory systems that Vela knows, read from its own files without importing it.

Importing Vela costs a third of a second and numpy; a target is checked before anything is imported.
"""

import ast
import configparser
import importlib.util
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tui.toolchain import boards
from tui.toolchain.boards import Npu
from tui.toolchain.target import Target

READS = (".tflite", ".tosa")
"""Files of networks that Vela compiles by itself: no other compiler is needed for them."""

CONFIG = "Arm/vela.ini"
"""The configuration file that ExecuTorch passes to Vela, below ethosu/config_files."""

FLAGS = ("--verbose-performance", "--enable-debug-db")
"""Print per-layer figures, and write the debug database that maps them to the graph; aot_arm_compiler does neither.

Without --show-cpu-operations, on which Vela 5.1 fails where it has taken an operator apart.
"""


def arguments(source: Path, target: Target, folder: Path) -> list[str]:
    """The arguments with which Vela compiles a file for a target, and writes into `folder`."""
    return [
        *FLAGS,
        f"--accelerator-config={target.accelerator}",
        f"--config={CONFIG}",
        f"--system-config={target.system_config}",
        f"--memory-mode={target.memory_mode}",
        f"--output-dir={folder}",
        str(source),
    ]


class VelaMissing(Exception):
    """The package ethos-u-vela is not installed."""


@dataclass(frozen=True)
class VelaLists:
    """Names Vela accepts for the NPUs of our boards, in Vela's order."""

    accelerators: tuple[str, ...]
    system_configs: tuple[str, ...]
    memory_modes: tuple[str, ...]
    core_clock_hz: dict[str, float]
    """Clock of each system config in Hz, as stated in vela.ini."""


_ACCELERATOR = re.compile(r"^class Accelerator\b.*\n(?:[ \t].*\n|\s*\n)+", re.MULTILINE)


def _package(ethosu: str | None = None) -> Path:
    if ethosu is not None:
        return Path(ethosu)
    spec = importlib.util.find_spec("ethosu")
    for place in (spec and spec.submodule_search_locations) or ():
        if (Path(place) / "vela").is_dir():
            return Path(place)
    raise VelaMissing("ethos-u-vela is not installed")


def _accelerators(source: Path) -> tuple[str, ...]:
    # Only the class: to parse the whole file takes longer than the rest of the program's start.
    match = _ACCELERATOR.search(source.read_text(encoding="utf-8"))
    for node in ast.parse(match[0]).body if match else ():
        if isinstance(node, ast.ClassDef) and node.name == "Accelerator":
            return tuple(
                item.value.value
                for item in node.body
                if isinstance(item, ast.Assign)
                and isinstance(item.value, ast.Constant)
                and isinstance(item.value.value, str)
            )
    raise VelaMissing(f"no list of accelerators in {source.name}: its layout is not known")


@dataclass(frozen=True)
class MemoryArea:
    """A memory of a system config: latencies in NPU cycles, longest burst in bytes, bytes an NPU cycle of all ports.

    `max_reads` and `max_writes` are those that may be under way on a port.
    """

    name: str
    read_latency: float
    write_latency: float
    burst_length: int
    bandwidth: float
    ports: int
    max_reads: int
    max_writes: int
    port_bytes: int
    """Width of a port."""


@dataclass(frozen=True)
class MemorySystem:
    """Memories of constants, arena and cache in a memory mode, and the NPU's clock in Hz."""

    constants: MemoryArea
    arena: MemoryArea
    cache: MemoryArea
    core_clock_hz: float


WRITABLE = ("Sram", "Dram")
"""Vela's names of memories that an arena can lie in."""


@cache
def _ini(ethosu: str | None = None) -> configparser.ConfigParser:
    ini = configparser.ConfigParser()
    if not ini.read(_package(ethosu) / "config_files" / CONFIG, encoding="utf-8"):
        raise VelaMissing(f"{CONFIG} is not part of the installed Vela")
    return ini


def _memory(
    ini: configparser.ConfigParser, system: configparser.SectionProxy, mode: configparser.SectionProxy, use: str
) -> str:
    """Name of the memory that a memory mode has for a use, in a system."""
    parent = ini[mode["inherit"]] if "inherit" in mode else mode
    port = mode.get(f"{use}_mem_area") or parent[f"{use}_mem_area"]
    return system[f"{port.lower()}_port"]


@cache
def memory_modes(system_config: str, ethosu: str | None = None) -> tuple[str, ...]:
    """List the memory modes that a system config allows: an arena cannot lie in flash.

    `ethosu` is the folder of another Python's Vela, where that is meant.

    Raises:
        VelaMissing: Vela is not installed, or its configuration lacks the name.
    """
    ini = _ini(ethosu)
    try:
        system = ini[f"System_Config.{system_config}"]
        modes = [name for name in ini.sections() if name.startswith("Memory_Mode.")]
        return tuple(name.split(".", 1)[1] for name in modes if _memory(ini, system, ini[name], "arena") in WRITABLE)
    except KeyError as error:
        raise VelaMissing(f"{CONFIG} has no {error}") from error


@cache
def memory_system(system_config: str, memory_mode: str) -> MemorySystem:
    """The memory system of a target, from vela.ini.

    Raises:
        VelaMissing: Vela is not installed, or its configuration lacks one of the names.
    """
    ini = _ini()
    try:
        system = ini[f"System_Config.{system_config}"]
        mode = ini[f"Memory_Mode.{memory_mode}"]
        axi_bytes = boards.npu_of(system_config).axi_bytes

        def area(use: str) -> MemoryArea:
            name = _memory(ini, system, mode, use)
            ports = int(system.get(f"{name}_ports_used", "1"))
            return MemoryArea(
                name=name,
                read_latency=float(system[f"{name}_read_latency"]),
                write_latency=float(system[f"{name}_write_latency"]),
                burst_length=int(system[f"{name}_burst_length"]),
                bandwidth=ports * axi_bytes * float(system[f"{name}_clock_scale"]),
                ports=ports,
                max_reads=int(system[f"{name}_max_reads"]),
                max_writes=int(system[f"{name}_max_writes"]),
                port_bytes=axi_bytes,
            )

        return MemorySystem(area("const"), area("arena"), area("cache"), float(system["core_clock"]))
    except KeyError as error:
        raise VelaMissing(f"{CONFIG} has no {error}") from error


@cache
def lists(npu: Npu | None = None, ethosu: str | None = None) -> VelaLists:
    """List what Vela has for a family of NPUs, or for those of all boards.

    `ethosu` is the folder of another Python's Vela, where that is meant.

    Raises:
        VelaMissing: Vela is not installed or not laid out as known.
    """
    package, ini = _package(ethosu), _ini(ethosu)
    npus = boards.NPUS if npu is None else (npu,)
    sections = [name.split(".", 1) for name in ini.sections() if "." in name]
    prefixes = tuple(npu.system_config for npu in npus)
    systems = tuple(name for kind, name in sections if kind == "System_Config" and name.startswith(prefixes))
    names = _accelerators(package / "vela" / "architecture_features.py")
    return VelaLists(
        accelerators=tuple(name for name in names if name.startswith(tuple(f"{npu.accelerator}-" for npu in npus))),
        system_configs=systems,
        memory_modes=tuple(name for kind, name in sections if kind == "Memory_Mode"),
        core_clock_hz={name: float(ini[f"System_Config.{name}"]["core_clock"]) for name in systems},
    )


def clock_hz(system_config: str, ethosu: str | None = None) -> float | None:
    """The clock of a system config, by the Vela in the folder `ethosu` or our own; None where it is not known."""
    try:
        return lists(None, ethosu).core_clock_hz.get(system_config)
    except VelaMissing:
        return None
