"""Advice: what a run has evidence for, what trying it comes to, and silence where there is nothing."""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.app.fakes import tensor
from tests.conftest import Fvp, Ran, taken_over
from tui.analysis import advice, channels
from tui.analysis.advice import Advice
from tui.analysis.what_if import NewerVela, WhatIf, others
from tui.run.check import Check, OutputCheck
from tui.run.delegation import CpuOperator, Delegation
from tui.run.figures import Estimate, Operator
from tui.run.spec import Spec
from tui.run.state import Run, State
from tui.toolchain import boards, vela
from tui.toolchain.target import Target, on_board_of

RanModel = Callable[..., Ran]

CHANNELS = """
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.three, self.eight, self.nine = (torch.nn.Conv2d(n, 32, 3, padding=1) for n in (3, 8, 9))
        self.depthwise = torch.nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.ordinary = torch.nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, a, b, c):
        return self.three(a), self.eight(b), self.nine(c), self.depthwise(b), self.ordinary(b)

ModelUnderTest = Net()
ModelInputs = tuple(torch.linspace(-1, 1, 576 * n).reshape(1, n, 24, 24) for n in (3, 8, 9))
"""


def test_the_input_layout_of_mobilenet_is_found_and_tried(fvp_tui: Fvp, ran: RanModel, home: Path) -> None:
    run = ran("executorch:mobilenet_v1_025")
    name = taken_over(run, home)
    said = fvp_tui("advise", name)
    assert said.returncode == 0, said.stderr
    assert "--channels-last" in said.stdout and "mobilenet_v1_025.py:" in said.stdout
    done = fvp_tui("advise", name, "--try", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["schema_version"], found["run"]) == (1, name)
    assert found["total_cycles"] == run.state["estimate"]["total_cycles"]
    layout = found["advice"][0]
    transposes = [o for o in run.state["operators"] if o["op"] == "Transpose" and o["ifm_shape"] == [1, 3, 96, 96]]
    assert layout["cycles"] == sum(o["total_cycles"] for o in transposes) > found["total_cycles"] / 4
    assert (layout["kind"], layout["change"]) == ("input_layout", {"channels_last": True})
    tried = layout["tried"]
    assert (tried["status"], tried["check"]) == ("ok", "match")
    after = json.loads(fvp_tui("show", tried["run"], "--json").stdout)
    assert tried["total_cycles"] == after["estimate"]["total_cycles"] < found["total_cycles"] - 0.9 * layout["cycles"]
    assert tried["change_pct"] < -25
    # What was tried needs no such advice.
    kinds = [one["kind"] for one in json.loads(fvp_tui("advise", tried["run"], "--json").stdout)["advice"]]
    assert "input_layout" not in kinds


@pytest.mark.parametrize("model", ["sample:digits", "executorch:ds_cnn"])
def test_it_is_silent_on_a_model_that_behaves(model: str, fvp_tui: Fvp, ran: RanModel, home: Path) -> None:
    name = taken_over(ran(model), home)
    assert fvp_tui("advise", name).stdout == "No suggestions for this run\n"
    assert json.loads(fvp_tui("advise", name, "--json").stdout)["advice"] == []


def test_operators_on_the_cpu_are_named_with_line_and_price(fvp_tui: Fvp, ran: RanModel, home: Path) -> None:
    name = taken_over(ran("sample:split"), home)
    found = json.loads(fvp_tui("advise", name, "--json").stdout)["advice"]
    by_kind = {one["kind"]: one for one in found}
    assert "3 partitions around 2 operators on the CPU" in by_kind["partitions"]["evidence"]
    cpu = [one for one in found if one["kind"] == "unsupported"]
    assert {one["evidence"].split(" on the CPU: ")[0] for one in cpu} == {"aten.topk", "aten.atan2"}
    assert all("split.py:" in one["line"] and "conversions" in one["evidence"] for one in cpu)


def test_a_run_that_failed_gets_none(fvp_tui: Fvp, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("ModelUnderTest = ModelInputs = None\nraise ValueError('no')\n")
    assert fvp_tui("compile", str(tmp_path / "broken.py")).returncode != 0
    said = fvp_tui("advise", "last")
    assert said.returncode == 1
    assert "its status is failed (only for a run that ended ok)" in said.stderr


def test_what_is_said_of_channels_is_what_vela_says(fvp_tui: Fvp, tmp_path: Path) -> None:
    model = tmp_path / "channels.py"
    model.write_text(CHANNELS)
    done = fvp_tui("compile", str(model), "--channels-last", "--json")
    assert done.returncode == 0, done.stderr
    operators = json.loads(done.stdout)["operators"]
    cycles = {o["name"]: o["total_cycles"] for o in operators if "Conv2D" in o["op"] and o["total_cycles"]}
    assert cycles["three"] == pytest.approx(cycles["eight"], rel=0.1)
    assert cycles["nine"] > 1.5 * cycles["eight"]
    assert cycles["ordinary"] < 0.7 * cycles["depthwise"]
    numbers = (1, 3, 8, 9, 16, 24, 33, 48)
    assert [channels.paid(n) for n in numbers] == [2, 8, 8, 16, 16, 32, 48, 48]
    assert [channels.paid(n, boards.ETHOS_U55) for n in numbers] == [8, 8, 8, 16, 16, 32, 64, 64]


# -- the rules, each on a run that just gives evidence, and on one that just does not


def state(request: Spec | None = None, **changes: object) -> State:
    base = State(run=Run(id="a", status="ok"), spec=request or Spec(model="m.py"), estimate=Estimate(total_cycles=1000))
    return msgspec.structs.replace(base, **changes)


def kinds(run: State, what_if: WhatIf | None = None) -> list[str]:
    return [one.kind for one in advice.of(run, what_if).advice]


def conv(cycles: int, channels: int, **changes: object) -> Operator:
    made = Operator(
        name="c",
        op="Conv2D",
        total_cycles=cycles,
        bound="MAC",
        ifm_shape=(1, 8, 8, channels),
        ofm_shape=(1, 8, 8, channels),
    )
    return msgspec.structs.replace(made, **changes)


TRANSPOSE = {"op": "Transpose", "ifm_shape": (1, 3, 8, 8), "ofm_shape": (1, 8, 8, 3)}


@pytest.mark.parametrize(
    ("operator", "found"),
    [
        (conv(100, 3), ["channels"]),
        (conv(40, 3), []),
        (conv(100, 3, bound="Sram"), []),
        (conv(100, 3, ifm_shape=(1, 1, 1, 3)), []),
        (conv(100, 7), []),
        (conv(100, 33), ["channels"]),
        (conv(100, 40), []),
        (conv(100, 8, op="DepthwiseConv2D"), ["depthwise"]),
        (conv(100, 16, op="DepthwiseConv2D"), []),
        (conv(100, 3, **TRANSPOSE), ["input_layout"]),
        (conv(49, 3, **TRANSPOSE), []),
        (conv(100, 3, **{**TRANSPOSE, "ofm_shape": (1, 3, 64)}), []),
        (conv(100, 3, **{**TRANSPOSE, "ifm_shape": (1, 64, 3), "ofm_shape": (1, 3, 64)}), []),
        (conv(100, 3, total_cycles=None, npu_cycles=100), ["channels"]),
    ],
)
def test_operators(operator: Operator, found: list[str]) -> None:
    cycles = operator.cycles or 0
    rest = Operator(name="r", op="Add", total_cycles=1000 - cycles)
    assert kinds(state(operators=(operator, rest))) == found


MATMUL = {"op": "MatMul", "ofm_shape": (1, 4, 32, 16), "bound": "output"}


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u65-512"])
@pytest.mark.parametrize(
    ("operator", "found"),
    [
        (conv(100, 40), ["channels"]),
        (conv(100, 20), ["channels"]),
        (conv(100, 28), []),
        (conv(100, 8, op="DepthwiseConv2D"), []),
        (conv(100, 16, **MATMUL), ["matmul"]),
        (conv(49, 16, **MATMUL), []),
    ],
)
def test_operators_of_another_family(operator: Operator, found: list[str], accelerator: str) -> None:
    rest = Operator(name="r", op="Add", total_cycles=1000 - (operator.cycles or 0))
    request = Spec(model="m.py", target=on_board_of(accelerator))
    assert kinds(state(request, operators=(operator, rest))) == found
    assert kinds(state(operators=(conv(100, 16, **MATMUL), rest))) == []


def turned(before: tuple[int, ...], after: tuple[int, ...], commands: int | None, **changes: object) -> Operator:
    made = {"op": "Transpose", "ifm_shape": before, "ofm_shape": after, "npu_commands": commands}
    return conv(60, 3, **{**made, **changes})


TO_NHWC = (
    turned((1, 8, 24, 32), (1, 24, 8, 32), 1),
    turned((1, 24, 8, 32), (1, 24, 32, 8), 24, line="m.py:1", total_cycles=70),
)
FROM_NHWC = (turned((1, 24, 32, 8), (1, 8, 32, 24), 32), turned((1, 8, 32, 24), (1, 8, 24, 32), 8))
PERMUTE = (turned((1, 24, 32, 16), (1, 768, 1, 16), 1), turned((1, 32, 24, 16), (1, 24, 32, 16), 16, line="m.py:2"))
LAYER = Operator(name="r", op="Add", total_cycles=300, npu_commands=1)
"""The operators of a model compiled for Ethos-U55-128, with other cycles."""


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u65-512"])
def test_transposes_of_many_commands(accelerator: str) -> None:
    request = Spec(model="m.py", target=on_board_of(accelerator))
    operators = (*TO_NHWC, LAYER, *PERMUTE, LAYER, *FROM_NHWC)
    layout, within = advice.of(state(request, operators=operators)).advice
    assert (layout.kind, layout.options, layout.cycles, layout.line) == (
        "input_layout",
        ["--channels-last"],
        250,
        "m.py:1",
    )
    counted = "4 transposes in 65 NPU commands (counted), the longest of 1x24x8x32: 250 of 970 cycles, 26%"
    assert layout.evidence == counted
    assert (within.kind, within.cycles, within.options) == ("transposes", 120, [])
    assert within.evidence.startswith(
        "2 transposes in 17 NPU commands (counted), the longest of 1x24x32x16: 120 of 970"
    )
    assert within.evidence.endswith("by Vela, which leaves out the start of each command")
    # An input in the NPU's layout leaves the model's own.
    last = msgspec.structs.replace(request, channels_last=True)
    assert kinds(state(last, operators=(LAYER, *PERMUTE, LAYER))) == ["transposes"]
    # In the middle nothing is an input, and few cycles are no evidence.
    assert kinds(state(request, operators=(LAYER, *TO_NHWC, LAYER))) == ["transposes"]
    assert kinds(state(request, operators=(LAYER, *PERMUTE, *9 * (LAYER,)))) == []
    # A program of which the commands were not counted does not say so, and an Ethos-U85 has a command for it.
    unknown = (LAYER, *(msgspec.structs.replace(o, npu_commands=None) for o in PERMUTE))
    (found,) = advice.of(state(request, operators=unknown)).advice
    assert found.evidence.startswith("2 transposes, the longest of 1x24x32x16: 120 of")
    assert kinds(state(operators=(LAYER, *PERMUTE, LAYER))) == []


def test_a_memory_mode_or_a_size_is_one_of_the_family_s() -> None:
    for accelerator, modes, smaller in (
        ("ethos-u55-128", {"Sram_Only"}, "ethos-u55-64"),
        ("ethos-u65-512", {"Sram_Only", "Shared_Sram", "Dedicated_Sram"}, "ethos-u65-256"),
    ):
        request = Spec(model="m.py", target=on_board_of(accelerator))
        targets = others(request, vela.lists(request.target.board.npu).accelerators)
        assert {t.memory_mode for t in targets if t.accelerator == accelerator} == modes
        assert {t.accelerator for t in targets} == {accelerator, smaller}
        assert {t.system_config for t in targets} == {request.target.system_config}
    smallest = Spec(model="m.py", target=on_board_of("ethos-u55-32"))
    assert {t.accelerator for t in others(smallest, boards.ETHOS_U55.accelerators)} == {"ethos-u55-32"}


def test_a_model_in_the_npus_layout_is_not_told_so_again() -> None:
    operators = (conv(500, 3, **TRANSPOSE), Operator(name="r", op="Add", total_cycles=500))
    assert kinds(state(Spec(model="m.py", channels_last=True), operators=operators)) == []


def test_the_target() -> None:
    own = Target("ethos-u85-512", memory_mode="Dedicated_Sram")
    run = state(Spec(model="m.py", target=own), operators=(conv(1000, 16, bound="Dram"),))
    targets = others(run.spec or Spec(""), ["ethos-u85-128", "ethos-u85-256", "ethos-u85-512"])
    assert {(t.accelerator, t.memory_mode) for t in targets} == {
        ("ethos-u85-512", "Sram_Only"),
        ("ethos-u85-512", "Shared_Sram"),
        ("ethos-u85-256", "Dedicated_Sram"),
    }
    by = {(t.macs, t.memory_mode): t for t in targets}

    def what_if(sram_only: int | None, smaller: int) -> WhatIf:
        return WhatIf(
            {
                by[512, "Sram_Only"]: Estimate(total_cycles=sram_only, sram_kib=64.0),
                by[512, "Shared_Sram"]: Estimate(total_cycles=990),
                by[256, "Dedicated_Sram"]: Estimate(total_cycles=smaller),
            }
        )

    assert kinds(run, what_if(951, 1051)) == []
    assert kinds(run, what_if(None, 2000)) == []
    mode, macs = advice.of(run, what_if(500, 1050)).advice
    assert (mode.kind, mode.cycles, mode.options) == ("memory_mode", 500, ["--memory-mode Sram_Only"])
    assert "500 instead of 1,000 cycles by Vela, -50.0 %" in mode.evidence
    assert "SRAM 64.0 KiB instead of unknown; now 1,000 cycles wait for Dram" in mode.evidence
    assert (macs.kind, macs.options) == ("macs", ["--target ethos-u85-256"])
    changed = advice.changed(run.spec or Spec(""), mode.change)
    assert changed == Spec(model="m.py", target=Target("ethos-u85-512", memory_mode="Sram_Only"))


def test_a_newer_vela_is_told_where_it_brings_much() -> None:
    assert kinds(state(), WhatIf(newer=NewerVela("5.2.0", 1000, 951))) == []
    (found,) = advice.of(state(), WhatIf(newer=NewerVela("5.2.0", 1000, 950))).advice
    assert (found.kind, found.cycles, found.options) == ("vela", 50, ["--vela 5.2.0"])
    assert found.evidence == "950 instead of 1,000 NPU cycles of the commands by the simulator's model, -5.0 %"


def noisy(db: float | None) -> Check:
    return Check(status="match", outputs=(OutputCheck(shape=(1,), dtype="float32", sqnr_db=db),))


def test_the_numbers() -> None:
    assert kinds(state(check=noisy(19.9))) == ["noise"]
    assert kinds(state(check=noisy(20.0))) == []
    assert kinds(state(check=noisy(None))) == []
    wide = (msgspec.structs.replace(tensor("t", 0, 1, 0, 640), dtype="int16"),)
    a16w8 = Spec(model="m.py", quantize="a16w8")
    (found,) = advice.of(state(a16w8, tensors=wide, check=noisy(71.25))).advice
    assert (found.kind, found.options) == ("int16", ["--quantize int8"])
    assert found.evidence == "1 int16 tensor, the largest of 640 bytes; SQNR is 71.2 dB"
    assert kinds(state(a16w8)) == []


def cpu(reason: str, hint: str | None) -> CpuOperator:
    return CpuOperator(op="aten.x", node="x", reason=reason, hint=hint, line="m.py:1", conversions=2)


def test_operators_on_the_cpu_by_their_cause() -> None:
    left = (
        cpu("kernel is 70x1, at most 64x64", "a smaller kernel"),
        cpu("kernel is 70x1, at most 64x64", "a smaller kernel"),
        cpu("One or more inputs were not quantized", "--quantize"),
        cpu("Not included in BaseTOSASupportList", "do it elsewhere"),
        cpu("something else", None),
    )
    delegation = Delegation(subgraphs=2, delegated_nodes=9, non_delegated_nodes=5, left=left)
    found: dict[str, Advice] = {one.kind: one for one in advice.of(state(delegation=delegation)).advice}
    assert set(found) == {"constraint", "float_island", "unsupported"}
    assert found["constraint"].evidence.startswith("aten.x (2 times) on the CPU: kernel is 70x1, at most 64x64;")
    assert "adds 4 conversions" in found["constraint"].evidence
