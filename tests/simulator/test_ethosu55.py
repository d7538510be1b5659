"""The Ethos-U55 and U65, bit for bit against Arm's TOSA reference model, and what their model refuses."""

import numpy as np
import pytest

from tests.simulator import programs
from tests.simulator.programs import SMALL, Part
from tui.model import pte
from tui.simulator import npu
from tui.simulator.delegate import DelegateError
from tui.simulator.ethosu.errors import CommandStreamError
from tui.simulator.ethosu.stream import commands
from tui.simulator.interpreter import Method

SEEDS = (1, 2, 3)
FILES = sorted(file.stem for file in SMALL.glob("*.pte"))
BEYOND_SHRAM = ("tanh_permuted-ethos-u55-32", "tanh_permuted-ethos-u55-64")
"""Programs that Vela 5.1 makes wrong: their table is loaded beyond the SHRAM."""

CONV, LINEAR, ADD = "conv-ethos-u55-128", "linear-ethos-u55-128", "add-ethos-u55-128"
DEEP, WIDE = "conv_deep-ethos-u55-128", "conv_wide-ethos-u65-512"


def load(file: str) -> Part:
    name, _, accelerator = file.partition("-")
    (part,) = programs.parts_of_fixture(name, accelerator)
    return part


def differs(part: Part, changed: Part) -> bool:
    """True if a changed program gives other outputs, or none."""
    inputs = part.random_inputs(1)
    try:
        found = programs.simulate(changed, changed.load(), inputs)
    except DelegateError:
        return True
    return any((a != b).any() for a, b in zip(programs.simulate(part, part.load(), inputs), found, strict=True))


def test_there_are_programs_for_every_size() -> None:
    sizes = {file.partition("-")[2] for file in FILES}
    assert sizes == {*(f"ethos-u55-{macs}" for macs in (32, 64, 128, 256)), "ethos-u65-256", "ethos-u65-512"}


@pytest.mark.parametrize("file", [file for file in FILES if file not in BEYOND_SHRAM])
def test_outputs_equal_the_tosa_reference_model(file: str) -> None:
    part = load(file)
    engine = part.load()
    answers = set()
    for seed in SEEDS:
        inputs = part.random_inputs(seed)
        found = programs.simulate(part, engine, inputs)
        for have, want in zip(found, programs.reference(part, inputs), strict=True):
            assert have.dtype == want.dtype
            np.testing.assert_array_equal(have, want, f"seed {seed}")
        answers.add(b"".join(output.tobytes() for output in found))
    assert len(answers) == len(SEEDS)


@pytest.mark.parametrize("file", BEYOND_SHRAM)
def test_a_table_beyond_shram_is_named(file: str) -> None:
    part = load(file)
    with pytest.raises(DelegateError, match=r"^command 0 \(DMA_START at byte 32\): a table is loaded to bytes 16384"):
        programs.simulate(part, part.load(), part.random_inputs(1))


def test_the_operators_are_those_of_the_command_set() -> None:
    found = {command.label for file in FILES for command in commands(load(file).load().stream)}
    operations = {label for label in found if not label.startswith(("STOP", "DMA"))}
    assert operations == {
        "CONV", "DEPTHWISE", "POOL MAX", "POOL AVERAGE", "POOL REDUCE_SUM", "ELEMENTWISE ADD", "ELEMENTWISE SUB",
        "ELEMENTWISE MUL", "ELEMENTWISE MIN", "ELEMENTWISE MAX", "ELEMENTWISE ABS", "ELEMENTWISE SHR",
    } - {"ELEMENTWISE SHR"}  # fmt: skip


@pytest.mark.parametrize(
    ("file", "values"),
    [
        (CONV, {"IFM_ZERO_POINT": 1}),
        (CONV, {"OFM_ZERO_POINT": 1}),
        (CONV, {"IFM_PAD_TOP": 0}),
        (DEEP, {"OFM_BLK_DEPTH_M1": 7}),
        (DEEP, {"KERNEL_STRIDE": 4}),
        (ADD, {"OPA_SCALE": 1 << 32 | 77}),
        (ADD, {"IFM2_BROADCAST": 1 << 6 | 4}),
        (WIDE, {"SCALE1_BASE": 0}),
    ],
)
def test_a_wrong_register_shows(file: str, values: dict[str, int]) -> None:
    """Negative controls: agreement with the reference model is no accident."""
    part = load(file)
    assert differs(part, programs.with_registers(part, **values))


@pytest.mark.parametrize(
    ("file", "values", "words"),
    [
        (CONV, {"ACC_FORMAT": 2}, "accumulation in floating point is not known"),
        (CONV, {"IFM_UPSCALE": 3}, "IFM upscaling 3 is not known"),
        (CONV, {"OFM_PRECISION": 0x4001}, "rounding TRUNCATE with scales for each channel is not known"),
        (ADD, {"OFM_PRECISION": 0x4101}, r"rounding TRUNCATE with a scale of \d+ >> \d+ is not known"),
        (CONV, {"OFM_PRECISION": 0xC001}, "rounding 3 is not known"),
        (CONV, {"OFM_PRECISION": 0x8101}, "a convolution with one scale for all channels is not known"),
        (CONV, {"OFM_PRECISION": 0x8081}, "feature map format 2 is not known"),
        (CONV, {"ACTIVATION": 3}, "activation function 3 to int8 is not known"),
        (CONV, {"ACTIVATION": 24}, "activation function 24 to int8 is not known"),
        (CONV, {"ACTIVATION": 5 << 12}, "clip range 5 is not known"),
        (LINEAR, {"IFM_PRECISION": 0x8009, "IFM_DEPTH_M1": 8}, "a convolution of int32 is not known"),
        (WIDE, {"PARALLEL_MODE": 0}, "a convolution on other than all 2 cores is not known"),
        (WIDE, {"SCALE1_LENGTH": 10}, "10 bytes of scales are too few for 5 channels"),
        (WIDE, {"ACTIVATION": 17}, "table 1 of 2048 bytes lies outside the SHRAM"),
        (CONV, {"IFM_UPSCALE": 2, "IFM_ZERO_POINT": 300}, "a zero point of 300 between elements of int8 is not known"),
        (ADD, {"IFM_PRECISION": 0x8301}, "operand scaling 3 is not known"),
        (ADD, {"IFM2_BROADCAST": 8}, "IFM2 broadcast 0x8 is not known"),
    ],
)
def test_what_no_stream_has_is_refused(file: str, values: dict[str, int], words: str) -> None:
    part = load(file)
    changed = programs.with_registers(part, **values)
    with pytest.raises(DelegateError, match=rf"^command \d+ \([A-Z ]+ at byte \d+\): {words}$"):
        programs.simulate(changed, changed.load(), changed.random_inputs(1))


@pytest.mark.parametrize(
    ("sound", "operation", "words"),
    [
        (6, 6 | 5 << 16, "ELEMENTWISE LRELU at byte [0-9]+[)]: elementwise mode is not known"),
        (6, 6 | 11 << 16, "ELEMENTWISE DIV at byte [0-9]+[)]: elementwise mode is not known"),
        (6, 5 | 3 << 16, "POOL SUM at byte [0-9]+[)]: pooling mode is not known"),
        (6, 7, "unknown command 0x00000007 at byte [0-9]+"),
        (6, 256 | 1 << 14, "unknown command 0x00004100 at byte [0-9]+"),
    ],
)
def test_operations_of_the_u85_are_refused(sound: int, operation: int, words: str) -> None:
    part = load(ADD)
    changed = part.load().stream.words.copy()
    changed[[at for at in range(len(changed)) if changed[at] & 0xFFFF == sound]] = operation
    spoilt = programs.with_words(part, changed)
    with pytest.raises(DelegateError, match=words):
        programs.simulate(spoilt, spoilt.load(), spoilt.random_inputs(1))


def container(config: int) -> bytes:
    """A cmd_data block without commands."""
    return np.array([int.from_bytes(b"COP1", "little"), 1, config, 0x10066001, 2], "<u4").tobytes()


@pytest.mark.parametrize("config", [0x00001004, 0x00001008, 0x00001007, 0x10003007, 0x10003009, 0x30003008])
def test_a_configuration_that_does_not_exist_is_refused(config: int) -> None:
    with pytest.raises(CommandStreamError, match=rf"^NPU configuration {config:#010x} is none of Ethos-U55, Ethos-U65"):
        npu.parse(container(config))


@pytest.mark.parametrize(
    ("config", "family", "macs"),
    [(0x00001005, "Ethos-U55", 32), (0x10006009, "Ethos-U65", 512), (0x20000118, "Ethos-U85", 256)],
)
def test_the_configuration_tells_the_family(config: int, family: str, macs: int) -> None:
    stream = npu.parse(container(config))
    assert (npu.kind(stream).name, stream.macs_per_cycle) == (family, macs)


def test_a_program_runs_whole() -> None:
    method = Method(pte.parse((SMALL / f"{CONV}.pte").read_bytes()))
    for tensor in method.inputs:
        assert tensor is not None
        tensor.bytes.view(np.float32)[:] = np.random.default_rng(1).normal(size=tensor.bytes.size // 4)
    method.execute()
    assert all(np.unique(tensor.bytes.view(np.float32)).size > 10 for tensor in method.outputs)
