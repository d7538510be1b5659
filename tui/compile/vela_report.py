"""Vela's figures of one partition: its summary, and its debug database joined to the graph ExecuTorch lowered.

Formats are Vela 5.1's: ``out_summary_*.csv`` (one row), ``out_debug.xml`` (tables as CSV text) and ExecuTorch's
``debug.json``. All cycles are Vela's estimates.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator
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
    known = [part for part in parts if part is not None]
    return sum(known) if known else None


def estimate(folder: Path) -> Estimate:
    """Vela's summary of a partition whose output is below `folder`; cycles at the system config's clock, KiB, ms.

    Raises:
        FileNotFoundError: Vela left no summary there.
    """
    found = next(iter(sorted(folder.rglob("*_summary_*.csv"))), None)
    if found is None:
        raise FileNotFoundError(f"Vela left no summary in {folder.name}")
    with found.open(encoding="utf-8", newline="") as file:
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


def _tables(path: Path) -> "Tables":
    tables = {}
    for table in ElementTree.parse(path).getroot().iter("table"):
        lines = [line for line in (table.text or "").splitlines() if line.strip()]
        tables[table.get("name", "")] = list(csv.DictReader(io.StringIO("\n".join(lines))))
    return tables


Tables = dict[str, list[dict[str, str]]]

PARTS = {"mac_cycles": "MAC", "ao_cycles": "output", "cmd_cycles": "commands", "wd_cycles": "weights"}
"""Parts of the NPU and the cycles that Vela's cycle model gives each, in the order in which a tie is decided."""
ACCESS = "_ac"
"""End of the names of columns that hold a memory's cycles."""


def read(folder: Path, partition: int, macs_per_cycle: int, first: int = 0) -> "Partition":
    """What Vela and ExecuTorch left of a partition in `folder`; empty where there is no debug database.

    `first` is the place that the partition's first operator has among all of the program's.
    """
    database = next(iter(sorted(folder.rglob("*_debug.xml"))), None)
    if database is None:
        return Partition((), ())
    tables = _tables(database)
    made_from = _Origins(folder, tables)
    return Partition(
        tuple(_operators(tables, made_from, partition, macs_per_cycle, first)),
        tuple(_tensors(tables, made_from, partition)),
    )


@dataclass(frozen=True)
class Partition:
    """A partition's operators on the NPU, in the order they run, and its tensors."""

    operators: tuple[Operator, ...]
    tensors: tuple[TensorPlace, ...]


class _Origins:
    """Where operators and tensors of a partition come from."""

    def __init__(self, folder: Path, tables: Tables) -> None:
        self._by_node = origins.by_node(folder / origins.DEBUG_JSON)
        graph = folder / origins.TOSA
        self._outputs = origins.output_names(graph.read_bytes()) if graph.exists() else []
        self._sources = {row["id"]: _integer(row, "ext_key") for row in tables.get("source", ())}

    def of(self, row: dict[str, str]) -> tuple[str, Origin]:
        """Name and origin of an operator.

        One that Vela fused has the name of the last it fused, and one that Vela added has a name of Vela's own; what
        it was made from is in the graph.
        """
        number, given = self._sources.get(row.get("source_id", "")), row.get("name", "")
        made_from = self._outputs[number] if number is not None and 0 <= number < len(self._outputs) else given
        origin = self._by_node.get(made_from, Origin())
        if origin.name is None:
            origin = self.of_tensor(given)
        return origin.name or made_from, origin

    def of_tensor(self, name: str) -> Origin:
        """Origin of a tensor."""
        return self._by_node.get(name, Origin())


def _by_id(tables: Tables, table: str) -> dict[str, dict[str, str]]:
    return {row["id"]: row for row in tables.get(table, ())}


def _operators(
    tables: Tables, made_from: _Origins, partition: int, macs_per_cycle: int, first: int
) -> Iterator[Operator]:
    offsets: dict[str | None, list[int]] = defaultdict(list)
    for row in tables.get("queue", ()):
        if (offset := _integer(row, "offset")) is not None:
            offsets[row.get("scheduled_id")].append(offset)
    main, weights, more = (_by_id(tables, table) for table in ("perf_debug_main", "perf_debug_wd", "perf_debug"))
    places = {row["id"]: first + at for at, row in enumerate(tables.get("perf", ()))}
    leaders = {row["id"]: row.get("group_id", "") for row in tables.get("group", ())}
    for row in tables.get("perf", ()):
        id, (name, origin) = row["id"], made_from.of(row)
        total, macs, staging = _integer(row, "op_cycles"), _integer(row, "mac_count"), _number(row, "staging_usage")
        peak = (total or 0) * macs_per_cycle
        details, needs = more.get(id, {}), _needs(row, {**main.get(id, {}), **weights.get(id, {})})
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
    found = {word: _integer(parts, column) for column, word in PARTS.items()}
    for column in row:
        if column.endswith(ACCESS):
            found[column.removesuffix(ACCESS)] = _integer(row, column)
    return {word: cycles for word, cycles in found.items() if cycles}


def _shape(row: dict[str, str], which: str) -> tuple[int, ...]:
    found = [_integer(row, f"{which}_shape_{axis}") for axis in "nhwc"]
    return tuple(size for size in found if size is not None) if None not in found and any(found) else ()


def _tensors(tables: Tables, made_from: _Origins, partition: int) -> Iterator[TensorPlace]:
    for row in tables.get("tensors", ()):
        name = row.get("name", "")
        yield TensorPlace(
            name=name,
            module=made_from.of_tensor(name).module,
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
