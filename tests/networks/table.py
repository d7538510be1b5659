"""Rows as text: the chain of links with its figures, the operators on the CPU with their reasons, and failures."""

import math
from collections.abc import Sequence

from tests.networks.rows import CHAIN, Kept, Link, Row

HEAD = (
    f"{'model':30} {'type':6} {'outcome':10}"
    + "".join(f" {name:>25}" for name in ("float -> quantized", "-> lowered", "-> platform"))
    + f" {'end to end':>10} {'npu':>4} {'s':>4}"
)
"""Names of the columns."""


def _figure(value: float | None) -> str:
    return "?" if value is None else f"{value:.2g}"


def _decibel(value: float | None) -> str:
    return "?" if value is None else f"{value:.1f}"


def cell(link: Link | None) -> str:
    """One link: ``41.2 dB 0.012 of 0.1``, with a mark before a link that breaks."""
    if link is None:
        return "-"
    if link.status not in ("match", "mismatch"):
        return link.status
    mark = "" if link.status == "match" else "! "
    if link.max_abs_error == 0:
        return f"{mark}exact"
    return f"{mark}{_decibel(link.sqnr_db)} dB {_figure(link.max_abs_error)} of {_figure(link.allowed)}"


def line(row: Row) -> str:
    """One run as a line below `HEAD`."""
    links = dict(row.links)
    share = "-" if row.delegated_percent is None else f"{math.floor(row.delegated_percent)}%"
    end = "-" if row.sqnr_db is None else f"{row.sqnr_db:.1f} dB"
    cells = "".join(f" {cell(links.get(name)):>25}" for name in CHAIN)
    return f"{row.model:30} {row.quantize:6} {row.outcome:10}{cells} {end:>10} {share:>4} {row.seconds:4.0f}"


def _left(kept: Kept) -> str:
    operators = ", ".join(f"{count} {op}" if count > 1 else op for op, count in kept.operators)
    return f"    {operators}: {kept.reason}" + (f"\n      -> {kept.hint}" if kept.hint else "")


def _said(row: Row) -> list[str]:
    said = [_left(kept) for kept in row.kept]
    said += [f"    link {name} {link.status}: {link.reason}" for name, link in row.links if link.reason]
    if row.outcome != "match":
        said.append(f"    {row.outcome.upper()}: {row.reason}" + (f"\n      -> {row.hint}" if row.hint else ""))
    return said


def details(rows: Sequence[Row]) -> str:
    """Text of the runs about operators on the CPU, broken links and failures."""
    return "\n".join("\n".join((f"  {row.model} {row.quantize}", *said)) for row in rows if (said := _said(row)))
