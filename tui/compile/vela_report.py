"""Vela's figures for one partition: its summary, and its debug database joined to the graph ExecuTorch lowered.

Formats are Vela 5.1's: ``out_summary_*.csv`` (one row), ``out_debug.xml`` (tables as CSV text) and ExecuTorch's
``debug.json``. All cycles are Vela's estimates.
"""

import contextlib
import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tui.compile.graph import origins
from tui.compile.graph.origins import Origin
from tui.run.figures import Estimate, Operator, TensorPlace

KIB = 1024


def _number(row: dict[str, str], key: str) -> float | None:
    try:
        return float(row[key])
    except (KeyError, ValueError):
        return None


def _integer(row: dict[str, str], key: str) -> int | None:
    value = _number(row, key)
    return None if value is None else round(value)


def _flash_kib(row: dict[str, str]) -> float | None:
    parts = [_number(row, f"{where}_chip_flash_memory_used") for where in ("on", "off")]
    used = [part for part in parts if part is not None]
    return sum(used) if used else None


def estimate(folder: Path) -> Estimate:
    """Read Vela's summary of a partition from the files below `folder`.

    Raises:
        FileNotFoundError: there is no summary.
    """
    summary = next(iter(sorted(folder.rglob("*_summary_*.csv"))), None)
    if summary is None:
        raise FileNotFoundError(f"Vela left no summary in {folder.name}")
    with summary.open(encoding="utf-8", newline="") as file:
        row = next(csv.DictReader(file))
    seconds = _number(row, "inference_time")
    return Estimate(
        npu_cycles=_integer(row, "cycles_npu"),
        total_cycles=_integer(row, "cycles_total"),
        inference_ms=None if seconds is None else seconds * 1e3,
        inferences_per_s=_number(row, "inferences_per_second"),
        macs=_integer(row, "nn_macs"),
        sram_kib=_number(row, "sram_memory_used"),
        dram_kib=_number(row, "dram_memory_used"),
        flash_kib=_flash_kib(row),
        core_clock_hz=_number(row, "core_clock"),
    )


def streams(folder: Path) -> list[bytes]:
    """The command streams that Vela wrote below `folder`: little-endian words of 32 bits. A network may have several.

    Raises:
        FileNotFoundError: there is none.
    """
    import numpy as np

    from tui.model.tflite import compiled

    network = next(iter(sorted(folder.rglob("*_vela.tflite"))), None)
    if network is not None:
        return compiled.command_streams(network.read_bytes())
    written = next(iter(sorted(folder.rglob("*_vela.npz"))), None)
    if written is None:
        raise FileNotFoundError(f"Vela left no command stream in {folder.name}")
    with np.load(written, allow_pickle=False) as arrays:
        return [bytes(arrays["cmd_data"].tobytes())]


def limits(folder: Path) -> Counter[str]:
    """Count a partition's cycles by what limits its operators; those that are limited by nothing known are left out."""
    found: Counter[str] = Counter()
    for operator in read(folder, 0, 0).operators:
        if operator.bound is not None:
            found[operator.bound] += operator.cycles or 0
    return found


def _tables(path: Path) -> "Tables":
    tables = {}
    # Vela writes names as they are, and one may have what no XML file may.
    text = _UNWRITABLE.sub("?", path.read_text(encoding="utf-8", errors="replace"))
    for table in ElementTree.fromstring(text).iter("table"):
        lines = [line for line in (table.text or "").splitlines() if line.strip()]
        tables[table.get("name", "")] = list(csv.DictReader(io.StringIO("\n".join(lines))))
    return tables


_UNWRITABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML does not allow."""

Tables = dict[str, list[dict[str, str]]]

PARTS = {"mac_cycles": "MAC", "ao_cycles": "output", "cmd_cycles": "commands", "wd_cycles": "weights"}
"""Columns of Vela's cycle model, and the part of the NPU whose cycles each holds; the first part wins a tie."""
ACCESS = "_ac"
"""Suffix of columns that hold a memory's cycles."""


class UnreadableError(Exception):
    """A debug database that cannot be read; one line."""


def network(folder: Path, macs_per_cycle: int) -> "Network":
    """Read the operators and tensors of a network that Vela read by itself, from the files below `folder`.

    Raises:
        UnreadableError: there is no debug database, or names of the network's make it unreadable.
    """
    database = next(iter(sorted(folder.rglob("*_debug.xml"))), None)
    if database is None:
        raise UnreadableError("Vela left none")
    try:
        return _network(folder, _tables(database), macs_per_cycle)
    except (ElementTree.ParseError, csv.Error, KeyError, ValueError, TypeError, AttributeError) as error:
        raise UnreadableError(f"{type(error).__name__}: {error}".splitlines()[0]) from error


def _network(folder: Path, tables: "Tables", macs_per_cycle: int) -> "Network":
    sources = {row["id"]: _integer(row, "ext_key") for row in tables.get("source", ())}
    on_cpu = {row["id"]: row for row in tables.get("perf", ()) if row.get("operator") == PASSED_THROUGH}
    tables["perf"] = [row for row in tables.get("perf", ()) if row["id"] not in on_cpu]
    left = {sources.get(row.get("source_id", "")) for row in on_cpu.values()}
    origins = _Origins(folder, tables)
    partitions = _command_streams(tables)
    return Network(
        tuple(_operators(tables, origins, partitions, macs_per_cycle, 0)),
        tuple(_tensors(tables, origins, 0)),
        frozenset(number for number in left if number is not None),
        sum(row.get("operator") != CONSTANT for row in tables.get("source", ())),
    )


CONSTANT = "Const"
"""Vela's operator for a constant of a TOSA graph."""
PASSED_THROUGH = "Passthrough"
"""Vela's operator for what it leaves to the CPU."""


@dataclass(frozen=True)
class Network:
    """A network's operators and tensors on the NPU, and the numbers of the operators that Vela left to the CPU."""

    operators: tuple[Operator, ...]
    tensors: tuple[TensorPlace, ...]
    left: frozenset[int]
    count: int
    """Number of the network's operators."""


def _command_streams(tables: "Tables") -> dict[str, int]:
    """The place of each scheduled operator's command stream among all; those without commands are left out."""
    numbers = {row["id"]: at for at, row in enumerate(tables.get("cmdstream", ()))}
    return {
        row["scheduled_id"]: numbers[row["cmdstream_id"]]
        for row in tables.get("queue", ())
        if row.get("cmdstream_id") in numbers and "scheduled_id" in row
    }


def read(folder: Path, partition: int, macs_per_cycle: int, first: int = 0) -> "Partition":
    """Read the operators and tensors of a partition from `folder`; empty without a debug database.

    `first` is the number of the partition's first operator among all operators of the program.
    """
    database = next(iter(sorted(folder.rglob("*_debug.xml"))), None)
    if database is None:
        return Partition((), ())
    tables = _tables(database)
    sources = _Origins(folder, tables)
    return Partition(
        tuple(_operators(tables, sources, defaultdict(lambda: partition), macs_per_cycle, first)),
        tuple(_tensors(tables, sources, partition)),
    )


@dataclass(frozen=True)
class Partition:
    """A partition's operators on the NPU, in the order they run, and its tensors."""

    operators: tuple[Operator, ...]
    tensors: tuple[TensorPlace, ...]


class _Origins:
    """Origins of the operators and tensors of a partition."""

    def __init__(self, folder: Path, tables: Tables) -> None:
        self._by_node = origins.by_node(folder / origins.DEBUG_JSON)
        graph = folder / origins.TOSA
        self._outputs = origins.output_names(graph.read_bytes()) if graph.exists() else []
        self._sources = {row["id"]: _integer(row, "ext_key") for row in tables.get("source", ())}

    def of(self, row: dict[str, str]) -> tuple[str, Origin]:
        """Name and origin of an operator.

        A fused operator has the name of the last one in it, and one that Vela added has a name of Vela's own: the graph
        says which operator either was made from.
        """
        number, name = self._sources.get(row.get("source_id", "")), row.get("name", "")
        source = self._outputs[number] if number is not None and 0 <= number < len(self._outputs) else name
        origin = self._by_node.get(source, Origin())
        if origin.name is None:
            origin = self.of_tensor(name)
        return origin.name or source, origin

    def of_tensor(self, name: str) -> Origin:
        """Origin of a tensor."""
        return self._by_node.get(name, Origin())


def _by_id(tables: Tables, table: str) -> dict[str, dict[str, str]]:
    return {row["id"]: row for row in tables.get(table, ())}


def _operators(
    tables: Tables, sources: _Origins, partitions: Mapping[str, int], macs_per_cycle: int, first: int
) -> Iterator[Operator]:
    partition = 0
    offsets: dict[str | None, list[int]] = defaultdict(list)
    for row in tables.get("queue", ()):
        if (offset := _integer(row, "offset")) is not None:
            offsets[row.get("scheduled_id")].append(offset)
    main, weights, more = (_by_id(tables, table) for table in ("perf_debug_main", "perf_debug_wd", "perf_debug"))
    places = {row["id"]: first + at for at, row in enumerate(tables.get("perf", ()))}
    leaders = {row["id"]: row.get("group_id", "") for row in tables.get("group", ())}
    for row in tables.get("perf", ()):
        id, (name, origin) = row["id"], sources.of(row)
        total, macs, staging = _integer(row, "op_cycles"), _integer(row, "mac_count"), _number(row, "staging_usage")
        peak = (total or 0) * macs_per_cycle
        details, needs = more.get(id, {}), _needs(row, {**main.get(id, {}), **weights.get(id, {})})
        # What has no commands is done in passing by a neighbour.
        with contextlib.suppress(KeyError):
            partition = partitions[leaders.get(id, id)]
        yield Operator(
            name=name,
            module=origin.module,
            op=row.get("operator", ""),
            npu_cycles=_integer(row, "npu_cycles"),
            total_cycles=total,
            macs=macs,
            utilization=macs / peak if macs is not None and peak else None,
            sram_kib=None if staging is None else staging / KIB,
            needs=needs,
            bound=max(needs, key=lambda part: needs[part]) if needs else None,
            ifm_shape=_shape(details, "ifm"),
            ofm_shape=_shape(details, "ofm"),
            line=origin.line,
            partition=partition,
            fused_into=places.get(leaders.get(id, "")),
            time=_integer(details, "time_index"),
            commands=tuple(offsets[id]),
        )


def _needs(row: dict[str, str], parts: dict[str, str]) -> dict[str, int]:
    cycles = {part: _integer(parts, column) for column, part in PARTS.items()}
    for column in row:
        if column.endswith(ACCESS):
            cycles[column.removesuffix(ACCESS)] = _integer(row, column)
    return {part: count for part, count in cycles.items() if count}


def _shape(row: dict[str, str], which: str) -> tuple[int, ...]:
    sizes = [_integer(row, f"{which}_shape_{axis}") for axis in "nhwc"]
    return tuple(size for size in sizes if size is not None) if None not in sizes and any(sizes) else ()


def _tensors(tables: Tables, sources: _Origins, partition: int) -> Iterator[TensorPlace]:
    for row in tables.get("tensors", ()):
        name = row.get("name", "")
        yield TensorPlace(
            name=name,
            module=sources.of_tensor(name).module,
            memory=row["memory"],
            usage=row["usage"],
            start=int(row["start_time"]),
            end=int(row["end_time"]),
            address=int(row["start_address"], 0),
            bytes=int(row["size"], 0),
            dtype=row["data_type"].lower(),
            format=row["format"],
            partition=partition,
        )
