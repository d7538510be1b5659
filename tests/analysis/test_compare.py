"""Two runs side by side: only what can be compared is, and what got worse is named."""

import json
from pathlib import Path

import msgspec
import pytest

from tests.app.days import two_families
from tests.conftest import Fvp
from tui.analysis import compare
from tui.analysis.compare import Profile
from tui.errors import UsageError
from tui.run.check import Check
from tui.run.delegation import Delegation
from tui.run.figures import Estimate, Inference, Operator, Versions
from tui.run.spec import Spec
from tui.run.state import Run, State
from tui.toolchain.target import on_board_of

NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, {width}, 3, padding=1)
        self.second = nn.Conv2d({width}, 8, 1)

    def forward(self, x):
        x = torch.relu(self.first(x))
        return self.second(x)

ModelUnderTest = Net()
ModelInputs = (torch.linspace(-1, 1, 3 * 256).reshape(1, 3, 16, 16),)
"""


def test_a_planted_regression_is_named_by_module_and_line(fvp_tui: Fvp, tmp_path: Path) -> None:
    for name, width in (("net", 8), ("copy", 24)):
        (tmp_path / f"{name}.py").write_text(NET.format(width=width))
        assert fvp_tui("compile", str(tmp_path / f"{name}.py")).returncode == 0
    done = fvp_tui("compare", "last~1", "last", "--json")
    assert done.returncode == 3, done.stderr
    found = json.loads(done.stdout)
    assert (found["schema_version"], found["comparable"]) == (1, True)
    worse = {row["name"]: row for row in found["operators"] if row["regression"]}
    line = NET.splitlines().index("        x = torch.relu(self.first(x))") + 1
    assert worse["first"]["line_b"] == f"{tmp_path / 'copy.py'}:{line}"
    assert worse["first"]["b"] > worse["first"]["a"]
    figures = {row["name"]: row for row in found["figures"]}
    assert figures["total_cycles"]["regression"] and figures["program_bytes"]["regression"]
    assert [d["name"] for d in found["differs"]] == ["spec.model"]
    text = fvp_tui("compare", "last~1", "last").stdout
    assert "WORSE" in text and f"copy.py:{line}" in text
    # The other way round nothing is worse, and a generous profile lets it pass.
    assert fvp_tui("compare", "last", "last~1").returncode == 0
    profile = tmp_path / "profile.toml"
    profile.write_text("figures_pct = 900\nmodules_pct = 900\n[figures]\ntotal_cycles = 1000\n")
    assert fvp_tui("compare", "last~1", "last", "--profile", str(profile)).returncode == 0


def state(name: str, **changes: object) -> State:
    base = State(
        run=Run(id=name, status="ok"),
        spec=Spec(model="m.py"),
        estimate=Estimate(total_cycles=1000, npu_cycles=900, sram_kib=10.0),
        operators=(Operator(name="a", op="Conv2D", total_cycles=600), Operator(name="b", op="Add", total_cycles=400)),
        inferences=(Inference(index=0, npu_cycles=1000, source="estimated"),),
        delegation=Delegation(subgraphs=1, delegated_nodes=9, non_delegated_nodes=1),
    )
    return msgspec.structs.replace(base, **changes)


def test_the_same_twice_is_not_worse() -> None:
    found = compare.compare(state("a"), state("b"), Profile(figures_pct=0.0, modules_pct=0.0, module_cycles=1))
    assert (found.comparable, found.reasons, found.differs, found.regressions) == (True, (), (), ())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"run": Run(id="b", status="failed")}, "b is failed"),
        ({"estimate": None}, "b has no estimate"),
        ({"estimate": Estimate(source="simulator", total_cycles=9)}, "two cycle models"),
        ({"operators": (Operator(name="other", op="Conv2D", total_cycles=5),)}, "no module in common"),
    ],
)
def test_what_is_not_comparable_is_refused_with_its_reason(changes: dict[str, object], said: str) -> None:
    found = compare.compare(state("a"), state("b", **changes), Profile())
    assert not found.comparable
    assert any(said in reason for reason in found.reasons)
    assert (found.figures, found.operators) == ((), ())


def test_measured_and_estimated_cycles_are_never_compared() -> None:
    measured = (Inference(index=0, npu_cycles=5000, source="measured"),)
    found = compare.compare(state("a"), state("b", inferences=measured), Profile())
    assert found.comparable
    assert "inference_npu_cycles" not in {figure.name for figure in found.figures}
    assert any("of one are estimated and of the other measured" in reason for reason in found.reasons)


def test_more_is_worse_but_for_what_is_better_the_higher() -> None:
    fewer = Delegation(subgraphs=2, delegated_nodes=8, non_delegated_nodes=2)
    found = compare.compare(state("a"), state("b", delegation=fewer), Profile())
    assert {figure.name for figure in found.regressions} == {"delegated_percent", "partitions"}
    assert compare.compare(state("a", delegation=fewer), state("b"), Profile()).regressions == ()


U55, U85 = (Spec(model="m.py", target=on_board_of(name)) for name in ("ethos-u55-128", "ethos-u85-256"))


def test_between_families_of_npus_only_a_lost_match_is_worse_and_what_the_profile_names() -> None:
    """It is a choice, but a gate that names its figures keeps them."""
    larger = Estimate(total_cycles=9000, npu_cycles=8000, sram_kib=90.0)
    slow = (Operator(name="a", op="Conv2D", total_cycles=8600), Operator(name="b", op="Add", total_cycles=400))
    right, wrong = Check(status="match"), Check(status="mismatch")
    a, b = state("a", spec=U85, check=right), state("b", spec=U55, check=right, estimate=larger, operators=slow)
    found = compare.compare(a, b, Profile())
    assert (found.comparable, found.regressions) == (True, ())
    assert found.npus == ("ethos-u85-256", "ethos-u55-128")
    assert [row.name for row in found.figures if row.name == "total_cycles" and row.b == 9000] == ["total_cycles"]
    named = compare.compare(a, b, Profile(figures={"sram_kib": 50.0}))
    assert [row.name for row in named.regressions] == ["sram_kib"]
    lost = compare.compare(a, msgspec.structs.replace(b, check=wrong), Profile())
    assert [row.name for row in lost.regressions] == ["check"]
    failed = compare.compare(a, msgspec.structs.replace(b, run=Run(id="b", status="failed")), Profile())
    assert not failed.comparable
    # Two sizes of one family are measured against each other as ever.
    smaller = Spec(model="m.py", target=on_board_of("ethos-u85-128"))
    same = compare.compare(a, msgspec.structs.replace(b, spec=smaller), Profile())
    assert same.npus == () and {"total_cycles", "sram_kib", "a"} <= {row.name for row in same.regressions}


def test_the_exit_status_between_families_is_that_of_the_match(fvp_tui: Fvp, home: Path) -> None:
    slower, faster = (directory.name for directory in two_families())
    done = fvp_tui("compare", faster, slower)
    assert done.returncode == 0, done.stdout
    first, second = done.stdout.splitlines()[:2]
    assert first == "OTHER NPU  figures side by side: a choice, not a regression"
    assert second.startswith("Different NPUs: Ethos-U85-256 (Corstone-320), 20.9 µs at 1 GHz and Ethos-U55-128 (Corst")
    assert "WORSE" not in done.stdout


def test_a_profile_that_is_none_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "profile.toml"
    for text in ("figure_pct = 1", "figures_pct = 'much'", "[figures", ""):
        file.write_text(text)
        if text:
            with pytest.raises(UsageError, match=str(file)):
                compare.read_profile(file)
        else:
            assert compare.read_profile(file) == Profile()
    with pytest.raises(UsageError, match="cannot read profile"):
        compare.read_profile(tmp_path / "missing.toml")


def by_vela(version: str, total: int, cycles: int | None) -> State:
    """A run by a version of Vela: its own estimate, and the simulator's cycles."""
    return state(
        version,
        versions=Versions(vela=version),
        estimate=Estimate(total_cycles=total, npu_cycles=total, sram_kib=18.5),
        operators=(Operator(name="norm", op="Add", total_cycles=total),),
        inferences=() if cycles is None else (Inference(index=0, npu_cycles=cycles, source="estimated"),),
    )


def test_estimates_of_two_velas_are_not_judged_and_the_simulator_s_cycles_are() -> None:
    """Vela 5.0 is more optimistic than 5.1, which made the same transformer faster: the figures are genuine."""
    older, newer = by_vela("5.0.0", 75_408, 82_470), by_vela("5.1.0", 76_456, 76_454)
    strict = Profile(figures={"total_cycles": 0.0}, modules_pct=0.0, module_cycles=1)
    found = compare.compare(older, newer, strict)
    assert found.comparable and found.regressions == ()
    assert found.reasons == (
        "estimates: those of Vela 5.0.0 and 5.1.0 are of two cycle models; judged by inference_npu_cycles",
    )
    figures = {one.name: one for one in found.figures}
    assert (figures["total_cycles"].a, figures["total_cycles"].b) == (75_408, 76_456)
    # The other way round the simulator's cycles are worse, and so it is said.
    assert [one.name for one in compare.compare(newer, older, strict).regressions] == ["inference_npu_cycles"]
    assert [one.name for one in found.differs] == ["versions.vela"]


def test_without_cycles_of_a_platform_nothing_judges_two_velas() -> None:
    found = compare.compare(by_vela("5.0.0", 100, None), by_vela("5.1.0", 200, None), Profile())
    assert found.regressions == () and "run both on the simulator" in found.reasons[0]
