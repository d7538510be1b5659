"""Vela's figures of one partition: its summary, and its debug database joined to the graph ExecuTorch lowered.

Formats are Vela 5.1's: ``out_summary_*.csv`` (one row), ``out_debug.xml`` (tables as CSV text) and ExecuTorch's
``debug.json``. All cycles are Vela's estimates.
"""

import csv
import io
import json
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

from tui.compile.delegation import source_line
from tui.figures import Estimate, Operator

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


def _tables(path: Path) -> dict[str, list[dict[str, str]]]:
    tables = {}
    for table in ElementTree.parse(path).getroot().iter("table"):
        lines = [line for line in (table.text or "").splitlines() if line.strip()]
        tables[table.get("name", "")] = list(csv.DictReader(io.StringIO("\n".join(lines))))
    return tables


def _origins(folder: Path) -> dict[str, tuple[str, str | None]]:
    """TOSA node name -> (nn.Module path, source line), from ExecuTorch's debug.json."""
    path = folder / "debug.json"
    if not path.exists():
        return {}
    origins = {}
    for entry in json.loads(path.read_text(encoding="utf-8")):
        torch_info = entry.get("torch_info") or {}
        stack = torch_info.get("nn_module_stack") or {}
        modules = [place[0] for place in stack.values() if place and place[0]] if isinstance(stack, dict) else []
        line = source_line("\n".join(torch_info.get("stack_trace") or ()))
        node = (entry.get("tosa_info") or {}).get("node_name")
        if node:
            origins[node] = (modules[-1] if modules else "", line)
    return origins


def operators(folder: Path, partition: int, macs_per_cycle: int) -> tuple[Operator, ...]:
    """The NPU operators of a partition, in the order they run. Members fused into another have zero cycles."""
    database = next(iter(sorted(folder.rglob("*_debug.xml"))), None)
    if database is None:
        return ()
    origins = _origins(folder)
    tables = _tables(database)
    offsets: dict[str | None, list[int]] = defaultdict(list)
    for row in tables.get("queue", ()):
        if (offset := _integer(row, "offset")) is not None:
            offsets[row.get("scheduled_id")].append(offset)
    found = []
    for row in tables.get("perf", ()):
        node = row.get("name", "")
        module, line = origins.get(node, ("", None))
        total, macs, staging = _integer(row, "op_cycles"), _integer(row, "mac_count"), _number(row, "staging_usage")
        peak = (total or 0) * macs_per_cycle
        found.append(
            Operator(
                name=module or node,
                op=row.get("operator", ""),
                npu_cycles=_integer(row, "npu_cycles"),
                total_cycles=total,
                macs=macs,
                utilization=macs / peak if macs is not None and peak else None,
                sram_kib=None if staging is None else staging / KIB,
                line=line,
                partition=partition,
                commands=tuple(offsets[row.get("id")]),
            )
        )
    return tuple(found)
