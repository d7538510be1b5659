"""The chain float -> quantized -> lowered -> platform: a link that breaks is named, and is no success anywhere."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tests import models
from tests.conftest import Fvp, Ran, taken_over
from tui.compile import references
from tui.compile.links import judging
from tui.model.tensors import Manifest, TensorInfo
from tui.run.check import Link

RanModel = Callable[..., Ran]

MODELS = Path(__file__).parent / "models"
LOST = str(MODELS / "lost_activation.py")
FOLDED = str(MODELS / "folded_norm.py")
RANDOM = str(MODELS / "random_noise.py")
STRIDED = str(MODELS / "strided.py")


def by_name(run: Ran) -> dict[str, dict[str, object]]:
    return {link["name"]: link for link in run.state["check"]["links"]}


@pytest.mark.parametrize("model", models.ALL)
def test_a_sound_model_has_three_links_that_hold(model: str, ran: RanModel) -> None:
    found = ran(model).state["check"]["links"]
    assert [(link["name"], link["status"]) for link in found] == [
        ("quantized", "match"), ("lowered", "match"), ("platform", "match"),
    ]  # fmt: skip
    assert all(link["max_abs_error"] <= link["allowed"] for link in found)


def test_an_activation_that_lowering_loses_is_a_mismatch_at_its_line(ran: RanModel) -> None:
    run = ran(LOST)
    assert run.state["run"]["status"] == "ok"
    assert run.state["run"]["exit_status"] == 0
    assert run.state["check"]["status"] == "mismatch"
    found = by_name(run)
    assert [link["status"] for link in found.values()] == ["match", "mismatch", "match"]
    assert found["quantized"]["sqnr_db"] > 30 > 15 > found["lowered"]["sqnr_db"]
    assert found["lowered"]["operator"] == "relu (aten.relu)"
    assert found["lowered"]["line"] == f"{LOST}:14"
    reason = run.state["check"]["reason"]
    assert reason.startswith("LOWERING CHANGED THE RESULT ") and " dB -> " in reason
    assert reason.endswith(f"first at relu (aten.relu), {LOST}:14")
    assert str(found["lowered"]["hint"]).startswith("a known fault (lost activation): ")


def test_the_same_model_with_16_bit_activations_matches(ran: RanModel) -> None:
    assert ran(LOST, "--quantize", "a16w8").state["check"]["status"] == "match"


def test_a_norm_that_is_folded_into_a_shared_convolution_breaks_the_first_link(ran: RanModel) -> None:
    run = ran(FOLDED)
    found = by_name(run)
    assert [link["status"] for link in found.values()] == ["mismatch", "match", "match"]
    assert (found["quantized"]["operator"], found["quantized"]["line"]) == ("add (aten.add)", f"{FOLDED}:19")
    assert run.state["check"]["reason"].startswith("QUANTIZATION CHANGED THE RESULT ")
    assert "write norm(x.clone())" in str(found["quantized"]["hint"])


def test_what_the_hint_says_helps(ran: RanModel, tmp_path: Path) -> None:
    model = tmp_path / "kept_apart.py"
    model.write_text(Path(FOLDED).read_text().replace("self.norm(x)", "self.norm(x.clone())"))
    assert ran(str(model)).state["check"]["status"] == "match"


def test_a_model_that_draws_random_numbers_is_not_compared(fvp_tui: Fvp) -> None:
    done = fvp_tui("compile", RANDOM, "--json")
    check = json.loads(done.stdout)["check"]
    assert {link["status"] for link in check["links"]} == {"skipped"}
    reason = f"the model draws random numbers, randn_like (aten.randn_like) at {RANDOM}:14: make them an input"
    assert all(link["reason"].startswith(reason) for link in check["links"])


def test_a_model_in_the_npus_layout_matches(ran: RanModel) -> None:
    found = ran(STRIDED, "--channels-last").state["check"]
    assert (found["status"], found["reason"]) == ("match", None)


def test_no_view_calls_a_mismatch_ok(ran: RanModel, home: Path, fvp_tui: Fvp, tmp_path: Path) -> None:
    wrong, right = taken_over(ran(LOST), home), taken_over(ran(LOST, "--quantize", "a16w8"), home)
    shown = fvp_tui("show", wrong).stdout
    assert shown.splitlines()[1].startswith("MISMATCH  ")
    assert "LOWERING CHANGED THE RESULT" in shown.splitlines()[1]
    assert "quantized -> lowered" in shown and "BROKEN" in shown
    listed = {line.split()[0]: line for line in fvp_tui("history").stdout.splitlines()}
    assert listed[wrong[-4:]].split()[1] == "mismatch" and listed[right[-4:]].split()[1] == "ok"
    page = tmp_path / "report.html"
    assert fvp_tui("export", wrong, "--format", "html", "-o", str(page)).returncode == 0
    text = page.read_text(encoding="utf-8")
    assert "<title>MISMATCH" in text and "LOWERING CHANGED THE RESULT" in text
    assert '<span class="status ok">' not in text
    done = fvp_tui("compare", right, wrong, "--json")
    (check,) = [figure for figure in json.loads(done.stdout)["figures"] if figure["name"] == "check"]
    assert (check["a"], check["b"], check["regression"]) == (1.0, 0.0, True)
    assert done.returncode == 3
    assert "MISMATCH" in fvp_tui("compare", right, wrong).stdout


def test_require_match_and_compile_see_the_broken_link(fvp_tui: Fvp) -> None:
    done = fvp_tui("run", LOST, "--require-match")
    assert done.returncode == 3
    assert "limits not met: the outputs do not match (--require-match)" in done.stdout
    compiled = fvp_tui("compile", LOST, "--json")
    assert compiled.returncode == 0
    check = json.loads(compiled.stdout)["check"]
    assert check["status"] == "mismatch"
    assert [link["name"] for link in check["links"]] == ["quantized", "lowered"]


# -- what a link allows


ROUNDING = 2.0
"""Errors that rounding explains in the outputs of these."""


def judged(exact: list[float], quantized: list[float], lowered: list[float], dtype: str = "float32") -> list[Link]:
    step = 0.5 if dtype == "float32" else None
    info = TensorInfo(dtype=dtype, shape=(len(exact),), dim_order=(0,), step=step, rounding=ROUNDING)
    manifest = Manifest(inputs=(), outputs=(info,), inferences=1)
    names = {"float_0_0": exact, "quantized_0_0": quantized, "tosa_0_0": lowered}
    references = {name: np.array(values, dtype) for name, values in names.items()}
    return list(judging.judge(references, manifest, quantized=True))


def test_lowering_may_round_otherwise_but_do_no_more() -> None:
    exact = [10.0, -3.0, 0.2]
    assert [link.status for link in judged(exact, exact, [12.0, -3.0, 0.2])] == ["match", "match"]
    first, second = judged(exact, exact, [12.5, -3.0, 0.2])
    assert first.status == "match"
    assert (second.status, second.max_abs_error, second.allowed) == ("mismatch", 2.5, ROUNDING)


def test_a_result_that_is_no_number_breaks_a_link() -> None:
    exact = [1.0, 2.0]
    assert judged(exact, exact, [1.0, float("nan")])[1].status == "mismatch"
    assert judged(exact, [1.0, float("inf")], exact)[0].status == "mismatch"


def test_single_elements_that_quantization_flips_are_no_lost_signal() -> None:
    exact = [1.0] * 9 + [0.0]
    (first, _) = judged(exact, [1.0] * 10, [1.0] * 10)
    assert (first.status, first.max_abs_error) == ("match", 1.0)


def test_an_error_of_just_what_is_allowed_holds() -> None:
    exact = [0.3, 0.1]
    assert judged(exact, exact, [0.3 + ROUNDING * (1 + 1e-6), 0.1])[1].status == "match"


def test_quantization_that_loses_the_signal_breaks_its_link() -> None:
    assert judged([100.0, -100.0], [0.0, 0.0], [0.0, 0.0])[0].status == "mismatch"


def test_whole_numbers_that_differ_are_not_judged() -> None:
    first, second = judged([3, 1], [3, 1], [3, 2], "int64")
    assert first.status == "match"
    assert second.status == "skipped"
    assert second.reason is not None and second.reason.startswith("1 of 2 elements of output 0 differ")


class InTraining(nn.Module):
    """Draws random numbers, but not in eval mode."""

    def __init__(self) -> None:
        super().__init__()
        self.drop = nn.Dropout()
        self.attend = nn.MultiheadAttention(4, 2, dropout=0.5, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.drop(x)
        x = nn.functional.scaled_dot_product_attention(x, x, x)
        return nn.functional.rrelu(self.attend(x, x, x)[0])


def test_what_draws_in_training_only_is_compared() -> None:
    inputs = (torch.randn(1, 3, 4),)
    assert references.unchecked(torch.export.export(InTraining().eval(), inputs)) is None
    assert "random" in (references.unchecked(torch.export.export(InTraining(), inputs)) or "")
