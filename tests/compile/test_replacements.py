"""Replacements for operators that the quantizer does not know: they run on the NPU.

All are quantized here, and some of them compiled; ``python -m tests.compile.replacements`` compiles all.
"""

import json
from collections import defaultdict
from pathlib import Path

import pytest
import torch

from tests.compile.replacements import CASES, COND, UNLIKE, Written, computed, write
from tests.conftest import Fvp
from tui.compile import lowering, models, quantization
from tui.compile.diagnostics.causes import Cause
from tui.compile.diagnostics.replacements import REFUSED, WITHOUT_INPLACE, WORKS, replacement
from tui.toolchain.target import Target

BEFORE = [before for _, before, _ in CASES]
AFTER = [after for _, _, after in CASES]
pytestmark = pytest.mark.xdist_group("replacements")
"""One worker quantizes the models, once."""

PLACES = [pytest.param(place, id=f"{op}-{place}") for place, (op, _, _) in enumerate(CASES)]
COMPILED = [COND, *AFTER[::8]]


class Quantized:
    """A model of many expressions, and what the quantizer left of it in float."""

    def __init__(self, folder: Path, name: str, expressions: list[str]) -> None:
        self._written = write(folder / f"{name}.py", expressions)
        program = models.export(models.load(str(self._written.file)))
        quantizer = quantization.quantizer_of(lowering.compile_spec(Target(), folder), "int8")
        _, in_float = quantization.prepare(program, quantizer)
        self._left: dict[str | None, list[Cause]] = defaultdict(list)
        for cause in in_float.values():
            self._left[cause.line].append(cause)

    def left(self, place: int) -> list[Cause]:
        return self._left[at(self._written, place)]


def at(written: Written, place: int) -> str:
    return f"{written.file}:{written.first + place}"


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Quantized:
    return Quantized(tmp_path_factory.mktemp("before"), "before", BEFORE)


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory) -> Quantized:
    return Quantized(tmp_path_factory.mktemp("after"), "after", AFTER)


@pytest.mark.parametrize("place", PLACES)
def test_the_operator_is_the_first_cause_and_has_a_replacement(before: Quantized, place: int) -> None:
    hints = {replacement(cause.exported, cause.op) for cause in before.left(place)}
    assert replacement(CASES[place][0]) in hints


@pytest.mark.parametrize("place", PLACES)
def test_the_replacement_is_quantized(after: Quantized, place: int) -> None:
    assert after.left(place) == []


def test_replacements_run_on_the_npu(fvp_tui: Fvp, tmp_path: Path) -> None:
    written = write(tmp_path / "after.py", COMPILED)
    state = json.loads(fvp_tui("compile", str(written.file), "--json", timeout=280).stdout)
    assert state["delegation"]["causes"] == []


def test_every_replacement_is_tried() -> None:
    assert {op for op, _, _ in CASES} >= WORKS.keys() | REFUSED.keys() | WITHOUT_INPLACE.keys()


def test_a_replacement_computes_the_same(tmp_path: Path) -> None:
    outputs = computed(tmp_path / "before.py", BEFORE), computed(tmp_path / "after.py", AFTER)
    for (operator, was, works), a, b in zip(CASES, *outputs, strict=True):
        if operator not in UNLIKE:
            torch.testing.assert_close(
                a.reshape(-1),
                b.reshape(-1),
                rtol=1e-3,
                atol=1e-3,
                msg=lambda text, w=f"{was} | {works}": f"{w}: {text}",
            )
