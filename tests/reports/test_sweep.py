"""A sweep as text: the scale of a metric, the picks, and what twice the MACs bring."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.analysis.sweep import Point, result, weighed
from tui.reports.format import UNKNOWN
from tui.reports.sweep import doublings, picks, point_details, reason_words, summary, waiting_words
from tui.reports.sweep_metrics import CYCLES, LATENCY, METRICS, SRAM, STEPS, USE, scale
from tui.run.spec import Limits

SYSTEM = "Ethos_U85_SYS_DRAM_Mid"


def point(macs: int, ms: float | None, mode: str = "Sram_Only", **more: object) -> Point:
    """A point of a model of 12.5 million MACs, at a clock of 1 GHz."""
    known = {"total_cycles": None if ms is None else round(ms * 1e6), "inference_ms": ms, "sram_kib": 48.0}
    made = Point(target=f"ethos-u85-{macs}", memory_mode=mode, system_config=SYSTEM, macs=12_508_800)
    return msgspec.structs.replace(made, **{**known, **more})


RESNET = (
    point(128, 0.170408),
    point(256, 0.092194),
    point(512, 0.052825),
    point(1024, 0.030829),
    point(2048, 0.021702, memory="Sram", memory_share=0.47),
)


def test_each_metric_has_figures_with_units_and_steps_from_the_best_to_the_worst() -> None:
    shown = {metric.name: [scale(metric, RESNET).text(p) for p in RESNET] for metric in METRICS}
    assert shown == {
        "Latency": ["170 µs", "92.2 µs", "52.8 µs", "30.8 µs", "21.7 µs"],
        "Cycles": ["170,408", "92,194", "52,825", "30,829", "21,702"],
        "SRAM": ["48.0 KiB"] * 5,
        "MAC use": ["57%", "53%", "46%", "40%", "28%"],
    }
    assert [scale(LATENCY, RESNET).step(p) for p in RESNET] == [5, 4, 3, 1, 1]
    assert [scale(USE, RESNET).step(p) for p in RESNET] == [1, 1, 2, 3, 5]
    # What is the same for all is no reason for a colour.
    assert {scale(SRAM, RESNET).step(p) for p in RESNET} == {1}
    assert scale(SRAM, [point(128, 1.0, sram_kib=48.0), point(256, 1.0, sram_kib=52.0)]).step(RESNET[0]) == 1


def test_a_unit_that_all_cells_share_may_be_left_out() -> None:
    laid = scale(LATENCY, RESNET)
    assert laid.text(RESNET[0], unit=False) == "170"
    assert scale(CYCLES, RESNET).text(RESNET[0], unit=False) == "170,408"
    apart = [point(128, 2_000.0), point(256, 0.5)]
    assert [scale(LATENCY, apart).text(p, unit=False) for p in apart] == ["2.00 s", "500 µs"]
    assert scale(CYCLES, apart).text(apart[0], unit=False) == "2,000 M"


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_what_is_not_known_is_neither_a_figure_nor_a_step(metric: object) -> None:
    refused = Point(target="ethos-u85-128", memory_mode="Sram_Only", system_config=SYSTEM, ok=False, reason="no")
    laid = scale(metric, [refused])  # type: ignore[arg-type]
    assert (laid.text(refused), laid.step(refused)) == (UNKNOWN, None)
    assert (laid.text(None), laid.step(None)) == (UNKNOWN, None)
    assert point_details(refused) == ["no"]


@given(st.lists(st.floats(1e-9, 1e9), min_size=1), st.sampled_from(METRICS))
def test_every_known_figure_has_a_step(times: list[float], metric: object) -> None:
    points = [point(128, ms) for ms in times]
    laid = scale(metric, points)  # type: ignore[arg-type]
    steps = {laid.step(p) for p in points if metric.of(p)}  # type: ignore[attr-defined]
    assert steps <= set(range(1, STEPS + 1))


def test_doublings_and_what_is_in_the_way_of_a_weak_one() -> None:
    found = doublings(RESNET[::-1])
    assert [f"{d.factor:.2f}" for d in found] == ["1.85", "1.75", "1.71", "1.42"]
    assert [d.weak for d in found] == [False, False, False, True]
    assert [reason_words(d) for d in found] == ["", "", "", "47% wait for SRAM"]
    # Without a word of a memory, the use of the MAC array is what is known.
    idle = doublings([RESNET[3], msgspec.structs.replace(RESNET[4], memory_share=0.1)])
    assert [reason_words(d) for d in idle] == ["MACs are used to 28%"]
    # A gap between the sizes is no doubling.
    assert doublings([RESNET[0], RESNET[2]]) == [] and waiting_words(RESNET[0]) == ""


def test_picks_keep_the_limit_and_say_which() -> None:
    limits = Limits(inference_ms=0.055)
    kept = result("m", [weighed(p, limits) for p in RESNET])
    assert [(p.mark, p.name, p.point.target) for p in picks(kept, limits)] == [
        ("★", "fastest", "ethos-u85-2048"),
        ("◆", "smallest under 55.0 µs", "ethos-u85-512"),
    ]
    assert [p.name for p in picks(result("m", RESNET))] == ["fastest", "smallest"]
    impossible = Limits(inference_ms=0.001)
    none = result("m", [weighed(p, impossible) for p in RESNET])
    assert picks(none, impossible) == []
    assert "none keeps the limit: 21.7 µs at best" in summary(none, impossible)


def test_a_point_is_explained_in_the_order_of_what_matters() -> None:
    assert point_details(RESNET[4], limit_ms=0.02) == [
        "21.7 µs, 9% over the limit",
        "21,702 cycles",
        "MAC use 28%",
        "47% wait for SRAM",
        "SRAM 48.0 KiB",
        f"DRAM {UNKNOWN}",
        f"flash {UNKNOWN}",
    ]
    assert "DRAM" not in " ".join(point_details(msgspec.structs.replace(RESNET[0], dram_kib=0.0)))


def test_the_summary_has_the_table_the_doublings_and_the_picks() -> None:
    lines = summary(result("sample:[b]", RESNET)).splitlines()
    assert lines[0] == "sample:[b]: time of an inference in µs, estimated by Vela"
    assert "52.8" in lines[4] and "21.7★" in lines[4] and "170◆" in lines[4]
    assert lines[5] == "  twice the MACs, Sram_Only: ×1.85  ×1.75  ×1.71  ×1.42: 47% wait for SRAM"
    assert lines[7].startswith("★ fastest   ethos-u85-2048 Sram_Only")
