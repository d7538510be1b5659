"""A spec is checked before anything is imported, and survives a round trip."""

import itertools
import shlex
from pathlib import Path
from typing import get_args

import pytest
from ethosu.vela.architecture_features import Accelerator
from hypothesis import given
from hypothesis import strategies as st

from tui.errors import UsageError
from tui.run import spec
from tui.run.spec import Limits, Spec
from tui.toolchain import boards, vela
from tui.toolchain.boards import Npu
from tui.toolchain.target import Target, on_board_of

names = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=20)
specs = st.builds(
    Spec,
    model=names,
    target=st.builds(Target, accelerator=names, system_config=names, memory_mode=names),
    quantize=st.sampled_from(get_args(spec.Quantization)),
    parameters=st.lists(st.tuples(names, names), max_size=3).map(tuple),
    inferences=st.integers(min_value=1, max_value=1000),
    inputs=st.lists(names, max_size=3).map(tuple),
    limits=st.builds(Limits, npu_cycles=st.none() | st.integers(0, 2**40)),
)

FAMILIES = ("u55-32", "u65-512", "u85-1024")


@given(specs)
def test_encode_and_decode_are_inverse(value: Spec) -> None:
    assert spec.decode(spec.encode(value)) == value


def test_the_lists_are_velas_own() -> None:
    assert list(vela.lists().accelerators) == [a.value for a in Accelerator]
    assert vela.lists().core_clock_hz["Ethos_U85_SYS_DRAM_Mid"] == 1e9


@pytest.mark.parametrize("npu", [board.npu for board in boards.BOARDS], ids=lambda npu: npu.name)
def test_every_target_that_vela_takes_is_accepted(npu: Npu) -> None:
    lists = vela.lists(npu)
    for system in lists.system_configs:
        for accelerator, mode in itertools.product(lists.accelerators, vela.memory_modes(system)):
            spec.check_target(Target(accelerator, system, mode))


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (Target(accelerator="ethos-u85-300"), "ethos-u85-128"),
        (Target(accelerator="ethos-u55-512"), "ethos-u55-128"),
        (Target(accelerator="ethos-n78"), "unknown target"),
        (Target(memory_mode="Sram_only"), "did you mean Sram_Only"),
        (Target(system_config="Nope"), "Ethos_U85_SYS_DRAM_Mid"),
    ],
)
def test_an_unknown_target_names_the_known_ones(target: Target, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        spec.check_target(target)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (Spec(model="m", inferences=0), "--inferences"),
        (Spec(model="m", timeout_s=0), "--timeout"),
        (Spec(model="m", timeout_s=float("nan")), "--timeout"),
        (Spec(model="m", inputs=("/nowhere/i.npy",)), "no input file"),
        (Spec(model="/m.py", folder="/nowhere"), "no folder /nowhere to run /m.py in"),
        (Spec(model="m", parameters=((boards.DEFAULT.parameters.macs, "128"),)), "contradicts"),
    ],
)
def test_a_spec_that_cannot_run_is_refused(bad: Spec, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        spec.check(bad)


def test_the_command_line_leaves_out_defaults_but_never_the_target() -> None:
    words = spec.command_line(Spec(model="sample:digits"))
    assert words == shlex.split("fvp-tui run sample:digits --target ethos-u85-256 --memory-mode Sram_Only")


def test_the_command_line_names_a_folder_that_is_not_the_current_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "--folder" not in spec.command_line(Spec(model="/m.py", folder=str(tmp_path)))
    words = spec.command_line(Spec(model="/m.py", folder="/else where"))
    assert words[words.index("--folder") + 1] == "/else where"
    # What has no code has no folder, and the file of a run from before there were folders is the one it had.
    assert spec.folder_for("sample:digits") is spec.folder_for("/m.pt2") is None
    assert "--folder" not in spec.command_line(Spec(model="/m.py"))


def test_the_command_line_of_a_compilation_has_only_what_compile_takes() -> None:
    compiled = Spec(model="m", until="emit", platform="simulator", fast=True, limits=Limits(npu_cycles=1, sram_kib=0.5))
    words = spec.command_line(compiled)
    assert words[:3] == ["fvp-tui", "compile", "m"]
    assert words[-2:] == ["--max-sram-kib", "0.5"]
    assert not {"--platform", "--fast", "--max-npu-cycles"} & set(words)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"model": 1}', b'{"model": "m", "unknown": 1}', b"\xff"])
def test_a_damaged_spec_is_a_usage_error(data: bytes) -> None:
    with pytest.raises(UsageError):
        spec.decode(data)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (
            Target("ethos-u55-128", "Ethos_U85_SYS_DRAM_Mid", "Shared_Sram"),
            ("of another NPU than ethos-u55-128", "--system-config Ethos_U55_High_End_Embedded"),
        ),
        (
            Target("ethos-u85-256", "Ethos_U65_High_End", "Sram_Only"),
            ("of another NPU than ethos-u85-256", "--system-config Ethos_U85_SYS_DRAM_Mid"),
        ),
        (
            Target("ethos-u55-128", "Ethos_U55_Deep_Embedded", "Dedicated_Sram"),
            ("Ethos_U55_Deep_Embedded has flash", "--memory-mode Sram_Only or Shared_Sram"),
        ),
        (
            Target("ethos-u85-256", "Ethos_U85_SYS_Flash_High", "Dedicated_Sram_512KB"),
            ("Dedicated_Sram_512KB needs DRAM", "--memory-mode Sram_Only or Shared_Sram"),
        ),
    ],
)
def test_a_system_that_the_npu_does_not_have_is_refused_with_the_right_one(
    target: Target, words: tuple[str, str]
) -> None:
    """Vela compiles for the first two, and is wrong; the others it refuses when the model has been lowered."""
    with pytest.raises(UsageError) as refused:
        spec.check_target(target)
    assert words[0] in str(refused.value) and words[1] in str(refused.value.hint)


def test_a_parameter_of_another_board_is_refused() -> None:
    (u55,) = (board for board in boards.BOARDS if board.npu is boards.ETHOS_U55)
    ours = (u55.parameters.uart("out_file"), "-"), ("nobodys.parameter", "1")
    both = (*ours, (boards.DEFAULT.parameters.uart("out_file"), "-"))
    target = on_board_of("ethos-u55-256")
    with pytest.raises(UsageError, match=rf"is a parameter of {boards.DEFAULT.name} \(ethos-u55-256 is on {u55.name}"):
        spec.check(Spec("m", target=target, parameters=both))
    assert spec.check(Spec("m", target=target, parameters=spec.own_parameters(both, u55))).parameters == ours


def test_families_share_the_graphs_that_are_lowered_alike() -> None:
    u55, u65, u85 = (spec.lowering_of(Spec("m", target=on_board_of(f"ethos-{name}"))) for name in FAMILIES)
    assert u55 == u65 != u85 == spec.lowering_of(Spec("m"))
