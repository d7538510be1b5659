"""The command line, compared with the documented form."""

import dataclasses
import sys
from pathlib import Path

import msgspec
import pytest

from tui.errors import UsageError
from tui.platform import command
from tui.platform.runner import Kind, Runner
from tui.platform.selection import Choice
from tui.run.spec import Spec
from tui.toolchain.target import Target

RUNNER = Runner(Path("/r/arm_executor_runner"), "semihosting", "", bundles=False, pte_address=0x70000000)
FVP = Choice(kind="fvp", command=("/opt/fvp",), name="fvp", version=None, why="", runner=RUNNER, env={})
SIMULATOR = Choice(
    kind="simulator",
    command=(sys.executable, "-m", "tui.simulator"),
    name="s",
    version=None,
    why="",
    runner=None,
    env={},
)
SPEC = Spec(model="m.py", target=Target("ethos-u85-512"), timeout_s=600)
CPU = "mps4_board.subsystem.cpu0.semihosting"


def build(spec: Spec = SPEC, choice: Choice = FVP, **options: object) -> list[str]:
    given = {"inputs": 1, "server": False, **options}
    return command.build(spec, choice, Path("/work dir"), **given)  # type: ignore[arg-type]


def parameters(argv: list[str]) -> dict[str, str]:
    pairs = [argv[i + 1].split("=", 1) for i, word in enumerate(argv) if word == "-C"]
    assert len({name for name, _ in pairs}) == len(pairs)
    return dict(pairs)


def with_(**changes: object) -> Spec:
    return msgspec.structs.replace(SPEC, **changes)


def test_the_documented_form_for_an_fvp() -> None:
    argv = build()
    assert argv[0] == "/opt/fvp"
    assert argv[-5:] == ["-a", "/r/arm_executor_runner", "--timelimit", "600", "--stat"]
    assert parameters(argv) == {
        "mps4_board.subsystem.ethosu.num_macs": "512",
        "mps4_board.visualisation.disable-visualisation": "1",
        "vis_hdlcd.disable_visualisation": "1",
        "mps4_board.telnetterminal0.start_telnet": "0",
        "mps4_board.telnetterminal1.start_telnet": "0",
        "mps4_board.telnetterminal2.start_telnet": "0",
        "mps4_board.telnetterminal5.start_telnet": "0",
        "mps4_board.uart0.out_file": "-",
        "mps4_board.uart0.unbuffered_output": "1",
        "mps4_board.uart0.shutdown_on_eot": "1",
        f"{CPU}-enable": "1",
        f"{CPU}-stack_base": "0",
        f"{CPU}-heap_limit": "0",
        f"{CPU}-cwd": "/work dir",
        f"{CPU}-cmd_line": "executor_runner -m program.pte -i i0.bin -o out",
    }


def test_the_simulator_takes_the_same_words_but_for_the_elf_file() -> None:
    fvp, simulator = build(), build(choice=SIMULATOR)
    assert simulator[:3] == [sys.executable, "-m", "tui.simulator"]
    at = fvp.index("-a")
    assert simulator[3:] == fvp[1:at] + fvp[at + 2 :]


def test_a_server_reads_its_inputs_before_the_program() -> None:
    """It reads them again for each inference into the pool that holds the program as well."""
    line = parameters(build(inputs=2, server=True))[f"{CPU}-cmd_line"]
    assert line == "executor_runner -i i0.bin -i i1.bin -m program.pte -o out --server_mode true"


@pytest.mark.parametrize(
    ("fast", "trace", "extra"),
    [
        (False, None, None),
        (True, None, "--fast"),
        (False, "t.gz", "--pmu-trace t.gz"),
        (True, "t", "--fast --pmu-trace t"),
    ],
)
def test_arguments_of_the_npu_model(fast: bool, trace: str | None, extra: str | None) -> None:
    argv = build(with_(fast=fast), pmu_trace=trace)
    assert parameters(argv).get("mps4_board.subsystem.ethosu.extra_args") == extra
    assert command.is_fast(argv, SPEC.target.board) == fast


def test_the_user_s_parameters_come_last_and_take_the_place_of_ours() -> None:
    argv = build(with_(parameters=(("a.b", "c d"), ("mps4_board.uart0.shutdown_on_eot", "0"), ("x", ""))))
    assert list(parameters(argv).items())[-3:] == [("a.b", "c d"), ("mps4_board.uart0.shutdown_on_eot", "0"), ("x", "")]


@pytest.mark.parametrize(("timeout", "said"), [(0.2, "1"), (120, "120"), (120.5, "121")])
def test_the_time_limit_is_whole_seconds_rounded_up(timeout: float, said: str) -> None:
    argv = build(with_(timeout_s=timeout))
    assert argv[argv.index("--timelimit") + 1] == said


def test_a_command_line_the_fvp_would_cut_is_refused() -> None:
    line = parameters(build(inputs=20))[f"{CPU}-cmd_line"]
    assert len(line) <= 256
    with pytest.raises(UsageError, match="has 258 characters, the FVP takes 256"):
        build(inputs=21)


@pytest.mark.parametrize("name", ["a b.bin", "it's", 'a"b', "", "a\nb"])
def test_a_name_that_would_fall_apart_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        build(program=name)
    with pytest.raises(UsageError):
        build(pmu_trace=name)


def with_runner(kind: Kind, address: int = 0) -> Choice:
    return dataclasses.replace(FVP, runner=dataclasses.replace(RUNNER, kind=kind, pte_address=address))


def after_the_elf(argv: list[str]) -> list[str]:
    return argv[argv.index("-a") + 2 : argv.index("--timelimit")]


def test_a_program_at_an_address_is_placed_there_and_given_no_files() -> None:
    argv = build(choice=with_runner("address", 0x38000000), inputs=2)
    assert after_the_elf(argv) == ["--data", "program.pte@0x38000000"]
    assert not [name for name in parameters(argv) if "semihosting" in name]


def test_a_program_inside_the_runner_needs_nothing() -> None:
    argv = build(choice=with_runner("embedded"))
    assert after_the_elf(argv) == []
    assert not [name for name in parameters(argv) if "semihosting" in name]


def test_arms_inference_runner_has_all_in_memory() -> None:
    argv = build(choice=with_runner("mlek"), inputs=2, output_bytes=1000)
    assert after_the_elf(argv) == [
        *("--data", "program.pte@0x90000000"),
        *("--data", "inputs.bin@0x92000000"),
        *("--dump", "cpu0=outputs.bin@Memory:0x93000000,1000"),
    ]
    assert parameters(argv)["mps4_board.subsystem.ethosu.num_macs"] == "512"
