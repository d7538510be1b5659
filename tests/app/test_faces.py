"""Tiles of the Run screen: headline figures with source and proportion; what is not known says why."""

import msgspec
import pytest

from tests.app import fakes
from tui.app.widgets.faces import faces
from tui.app.widgets.tile import TileFace
from tui.run import events, state
from tui.run.check import Accuracy, Check
from tui.run.delegation import CpuOperator
from tui.run.events import Event
from tui.run.figures import Inference
from tui.run.options import Limits
from tui.run.state import State
from tui.toolchain.target import Target


def of(*what: Event, request: object = None) -> State:
    begun = fakes.begun("20261123-021531-digits-u85-256-7f3a", request or fakes.spec_of())  # type: ignore[arg-type]
    return state.fold_all([*begun, *what])


WHOLE = [*fakes.compiled(), *fakes.booted(), *fakes.inferred(), *fakes.checked(), *fakes.finished()]


def test_a_run_that_went_well_has_five_figures_with_their_proportions() -> None:
    assert faces(of(*WHOLE)) == (
        TileFace("LATENCY", "4.33", "µs", "estimated", words="230,787/s, 1 GHz"),
        TileFace("NPU CYCLES", "4,333", "", "estimated", 312_320 / 4_333 / 256, "28% MAC use"),
        TileFace("ON THE NPU", "91", "%", "nodes", 31 / 34, "31 of 34"),
        TileFace("SRAM PEAK", "6.5", "KiB", "estimated", words="flash 15.2 KiB", role="sram"),
        TileFace("CHECK", "✓ MATCH", "exact", "3", words="97.5% right", role="ok", pill="ok"),
    )


def test_before_anything_is_known_each_figure_says_what_brings_it() -> None:
    waiting = faces(of())
    assert [face.figure for face in waiting] == ["–"] * 5
    assert [face.words for face in waiting] == ["after vela", "after vela", "after lower", "after vela", "comes last"]
    failed = faces(of(*fakes.finished("failed")))
    assert [face.words for face in failed][:3] == ["not reached"] * 3
    cpu = faces(of(request=fakes.spec_of(target=Target("cortex-m85", "", ""))))
    assert [face.words for face in cpu][:4] == ["no NPU"] * 4


def test_what_an_earlier_run_lets_expect_is_dim_and_named() -> None:
    earlier = of(*WHOLE)
    expected = faces(of(), earlier)
    assert [face.figure for face in expected] == ["4.33", "4,333", "91", "6.5", "–"]
    assert all(face.dim and face.note == "expected" and face.share is None for face in expected[:4])
    assert all(face.words.startswith("last run ") and ":" in face.words for face in expected[:4])
    assert not expected[4].dim and expected[4].words == "comes last"
    # What is known stands for itself, and a run that is over expects nothing.
    assert not any(face.dim for face in faces(of(*fakes.compiled()), earlier))
    assert [face.figure for face in faces(of(*fakes.finished("failed")), earlier)] == ["–"] * 5


def test_an_expectation_of_another_day_and_of_other_options_says_so() -> None:
    earlier = of(*WHOLE)
    old = msgspec.structs.replace(earlier, run=msgspec.structs.replace(earlier.run, created=fakes.T0 - 5 * 86_400))
    words = faces(of(), old, "other NPU,")[0].words
    assert words.startswith("other NPU, ") and ":" not in words


@pytest.mark.parametrize(("limit", "words", "role"), [(8.0, "of 8 allowed", "sram"), (4.0, "limit 4 EXCEEDED", "fail")])
def test_the_peak_stands_against_the_limit(limit: float, words: str, role: str) -> None:
    known = of(*fakes.compiled(), request=fakes.spec_of(limits=Limits(sram_kib=limit)))
    face = faces(known)[3]
    assert (face.words, face.role, face.share) == (words, role, 6.5 / limit)


def test_latency_of_a_network_that_is_partly_on_the_cpu_is_that_of_the_npu_alone() -> None:
    known = of(*WHOLE)
    assert known.delegation is not None
    left = (CpuOperator(op="aten.topk", node="topk", reason="the NPU cannot sort"),)
    split = msgspec.structs.replace(known, delegation=msgspec.structs.replace(known.delegation, left=left))
    assert faces(split)[0].words == "NPU alone, 1 GHz"


def test_cycles_that_vary_say_so_instead_of_a_proportion() -> None:
    face = faces(of(*fakes.compiled(), *fakes.booted(), *fakes.inferred((4_333, 4_300, 4_999))))[1]
    assert (face.figure, face.share) == ("4,333", None) and face.words.startswith("VARIES: deviation ")


def test_measured_cycles_without_a_clock_are_no_latency() -> None:
    measured = events.InferenceFinished(inference=Inference(index=0, npu_cycles=4_333, source="measured"))
    known = msgspec.structs.replace(of(*fakes.compiled(), measured), clock_hz=None)
    assert faces(known)[0][:1] + faces(known)[0][5:6] == ("LATENCY", "clock not known")
    assert faces(known)[1].note == "measured"


def test_a_check_that_was_not_made_or_did_not_hold_says_where_to_look() -> None:
    mismatch = faces(of(*WHOLE[:-1], events.Checked(check=Check(status="mismatch", reason="x")), *fakes.finished()))[4]
    assert (mismatch.figure, mismatch.words, mismatch.pill) == ("✗ MISMATCH", "3 says where", "fail")
    skipped = faces(of(*WHOLE, events.Checked(check=Check(status="skipped", reason="x"))))[4]
    assert (skipped.figure, skipped.words, skipped.pill) == ("NOT CHECKED", "3 says why", "warn")


def test_right_answers_are_counted_while_inferences_run() -> None:
    so_far = Accuracy(inputs=214, float_correct=213, quantized_correct=213, platform_correct=213, agree=214)
    known = msgspec.structs.replace(of(*fakes.compiled(), *fakes.booted()), accuracy=so_far)
    assert faces(known)[4] == TileFace("RIGHT SO FAR", "99.5", "%", "3", 213 / 214, "213 of 214", role="ok")


def test_a_share_is_rounded_neither_to_all_nor_to_nothing() -> None:
    known = of(*WHOLE)
    assert known.delegation is not None
    shares = []
    for npu, cpu in ((999, 1), (1, 999), (10, 0), (0, 10)):
        found = msgspec.structs.replace(known.delegation, delegated_nodes=npu, non_delegated_nodes=cpu)
        shares.append(faces(msgspec.structs.replace(known, delegation=found))[2].figure)
    assert shares == ["99", "1", "100", "0"]
