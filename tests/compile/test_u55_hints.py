"""Hints for what the operator set of Ethos-U55 and U65 lacks: each names its own reason, and what it says runs there.

``python -m tests.compile.u55_replacements`` compiles all of it with Vela.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.compile.replacements import computed, write
from tests.compile.u55_replacements import CASES, HEAD, TARGET, UNLIKE
from tests.differential.lowering import in_haste
from tui.compile import lowering, models, quantization
from tui.compile.diagnostics import delegation, hints, u55_hints
from tui.run.delegation import CpuOperator
from tui.run.spec import Quantization
from tui.toolchain.target import on_board_of

SAMPLE = [
    CASES[-1],
    *(
        CASES[next(place for place, (name, _, _) in enumerate(CASES) if name == wanted)]
        for wanted in (
            "aten.where",
            "aten.scaled_dot_product_attention",
            "aten.bitwise_and",
            "aten.mul",
            "aten.upsample_bilinear2d",
            "aten.index_select",
            "flip",
            "resize",
            "stride, pad",
            "Unsupported stride",
            "is not supported in dim_order_ops",
            "Avgpool2d needs stride",
            "Maxpool2d needs stride",
            "Avgpool2d with padding",
        )
    ),
]
pytestmark = pytest.mark.xdist_group("u55-hints")
"""One worker lowers the sample, once."""

PLACES = [pytest.param(place, id=name) for place, (name, _, _) in enumerate(SAMPLE)]
Left = Mapping[int, Sequence[CpuOperator]]
"""Operators on the CPU by the expression they come from."""


def left(folder: Path, expressions: Sequence[str], quantize: Quantization = "int8") -> Left:
    written = write(folder / "model.py", expressions, HEAD)
    target = on_board_of(TARGET)
    with in_haste():
        model = models.load(str(written.file))
        spec = lowering.compile_spec(target, folder)
        quantized = quantization.quantize(models.export(model), spec, quantize, [model.example], model.example)
        lowered = lowering.lower_to_tosa(quantized.program, spec, folder)
    found: dict[int, list[CpuOperator]] = defaultdict(list)
    for one in delegation.analyse(lowered.edge, lowered.rejected, quantized.in_float, u55=lowered.u55).kept:
        assert one.line is not None
        found[int(one.line.rpartition(":")[2]) - written.first].append(one)
    return found


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Left:
    """What is left of the sample as users write it, then of what works, in one model."""
    both = [was for _, was, _ in SAMPLE] + [works for _, _, works in SAMPLE]
    return left(tmp_path_factory.mktemp("kept"), both)


@pytest.mark.parametrize("place", PLACES)
def test_it_stays_on_the_cpu_for_that_and_has_that_hint(kept: Left, place: int) -> None:
    name, _, _ = SAMPLE[place]
    said = {one.hint for one in kept[place]}
    if (code := u55_hints.replacement(name) or u55_hints.refused(name)) is not None:
        assert code in said
    else:
        assert [one for one in kept[place] if name in one.reason]
        assert {u55_hints.for_reason(one.reason) for one in kept[place]} & said


@pytest.mark.parametrize("place", PLACES)
def test_what_the_hint_says_runs_on_the_npu(kept: Left, place: int) -> None:
    assert [(one.op, one.reason) for one in kept[len(SAMPLE) + place]] == []


def test_no_reason_names_a_node_of_the_compiler_s(kept: Left) -> None:
    reasons = {one.reason for ones in kept.values() for one in ones if one.reason.startswith("Had torch.bool")}
    assert len(reasons) == 2


def test_the_types_in_a_reason_are_in_order(kept: Left) -> None:
    reasons = [one.reason for ones in kept.values() for one in ones if one.reason.startswith("Output dtype")]
    listed = [reason.partition("Supported output types: ")[2].split(", ") for reason in reasons]
    assert listed
    assert [types for types in listed if len(types) < 2 or types != sorted(types)] == []


def test_a_product_of_matrices_in_16_bits_is_named(tmp_path: Path) -> None:
    found = left(tmp_path, ["torch.bmm(x[0], x[0])", "F.conv2d(x, self.k4)"], "a16w8")
    ((bmm,),) = found.values()
    assert (bmm.op, bmm.reason) == ("aten.bmm", "Input has unsupported dtype torch.int16 (Supports int8).")
    assert bmm.hint is not None and "--quantize int8" in bmm.hint


def test_a_replacement_computes_nearly_the_same(tmp_path: Path) -> None:
    outputs = [computed(tmp_path / f"{side}.py", [case[side] for case in CASES], HEAD) for side in (1, 2)]
    for (name, was, works), a, b in zip(CASES, *outputs, strict=True):
        assert a.shape == b.shape or name in UNLIKE, works
        if name not in UNLIKE:
            # A steep sigmoid is no step: of values next to it, one among many may be between.
            assert ((a - b).abs() < 0.01).float().mean() > 0.95, f"{was} | {works}"


def test_all_that_is_named_is_tried() -> None:
    names = {name for name, _, _ in CASES}
    same = {"aten.grid_sampler_2d", "aten.index_put", "aten.scatter", "aten.scatter_add", "aten.to"}
    assert names >= (u55_hints.WORKS.keys() | u55_hints.REFUSED.keys()) - same


@pytest.mark.parametrize(
    ("operators", "u55", "full"),
    [
        (("aten.roll", "aten.index_select"), "two slices and a cat", "two slices and a cat"),
        (("aten.embedding",), "one-hot", "pass the index as int32"),
        (("cond",), "torch.sigmoid(s * 1000)", "torch.where"),
    ],
)
def test_each_set_of_operators_has_its_hint(operators: tuple[str, ...], u55: str, full: str) -> None:
    reason = "index must be rank-1 int32, got dtype=torch.int64 shape=(8,)."
    assert u55 in (hints.hint(*operators, reason=reason, u55=True) or "")
    assert full in (hints.hint(*operators, reason=reason) or "")


def test_an_index_behind_a_slice_has_its_own_hint_on_every_npu() -> None:
    reason = "None (from slice/unsqueeze/ellipsis) before an indexing tensor is not supported."
    assert hints.hint("aten.index.Tensor", reason=reason) == "index, and unsqueeze after it"


def test_a_type_that_cannot_be_made_is_no_matter_of_the_input_s_type() -> None:
    reason = (
        "Output dtype torch.float32 is not supported in dim_order_ops._to_dim_order_copy.default for input dtype"
        " torch.int64. Supported output types: torch.bool, torch.int16, torch.int32, torch.int8"
    )
    assert hints.hint("aten.add_", reason=reason) == "cast to a supported type, or quantize the model"
