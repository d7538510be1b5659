"""Fast ways of the models against slow and plain ones: the output stage in float64, and depthwise sums row by row."""

import numpy as np
import pytest

from tui.simulator.ethosu import convolution, output_stage
from tui.simulator.ethosu.arithmetic import Rounding, Scale
from tui.simulator.ethosu.feature_map import FeatureMap
from tui.simulator.ethosu.kernel import Kernel
from tui.simulator.ethosu.memory import Memory, NDArray
from tui.simulator.ethosu.output_stage import Output, Table
from tui.simulator.ethosu.registers import Storage
from tui.simulator.ethosu.stream import Command
from tui.simulator.ethosu.weights import Scales

COMMAND = Command("CONV", 0, 0, 0)
PLACES, CHANNELS = 400, 64
WIDEST = 1 << 53


def output(dtype: str, rounding: Rounding, random: np.random.Generator, table: Table | None) -> Output:
    """An output stage that clips somewhere in its type."""
    limits = np.iinfo(dtype)
    zero_point, *ends = (int(random.integers(limits.min, limits.max, endpoint=True)) for _ in range(3))
    fm = FeatureMap(np.dtype(dtype), Storage.TILE2X2, False, 1, (0, 0, 0, 0), 0, 0, 0, 1, 1, 1, zero_point)
    return Output(fm=fm, scale=Scale(3, 1, rounding), low=min(ends), high=max(ends), table=table)


def near_ties(random: np.random.Generator, scales: Scales) -> NDArray:
    """Accumulators (PLACES, CHANNELS): close to where a result changes, of any size, and the widest there can be."""
    steps = random.integers(-70000, 70000, (PLACES, CHANNELS)) + random.choice([0, 1 / 2], (PLACES, CHANNELS))
    ties = np.rint(np.ldexp(steps / np.maximum(scales.scale, 1), scales.shift)).clip(-WIDEST, WIDEST)
    values = ties.astype(np.int64) - scales.bias + random.integers(-1, 1, (PLACES, CHANNELS), endpoint=True)
    values[::5] = random.integers(-WIDEST, WIDEST, (len(values[::5]), CHANNELS)) >> random.integers(53)
    values[0], values[1], values[2] = -scales.bias, WIDEST - 1, 1 - WIDEST
    return values


def expected(value: int, bias: int, scale: int, shift: int, out: Output) -> int:
    """One result before the table, in Python's integers."""
    product = (value + bias) * scale
    if out.scale.rounding == Rounding.DOUBLE_SYMMETRIC and shift > 31:
        product += (1 << 30) if product >= 0 else -(1 << 30)
    scaled = (product + (1 << shift >> 1)) >> shift
    return min(max(scaled + out.fm.zero_point, out.low), out.high)


@pytest.mark.parametrize("rounding", [Rounding.NATURAL, Rounding.DOUBLE_SYMMETRIC])
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
@pytest.mark.parametrize("shifts", [(0, 20), (20, 34), (30, 41), (35, 47)])
def test_the_output_stage_is_exact(rounding: Rounding, dtype: str, shifts: tuple[int, int]) -> None:
    random = np.random.default_rng(sum(shifts))
    memory = Memory({}, 256)
    memory.internal[:] = random.permutation(256)
    table = Table(0, 256, "|u1" if dtype == "uint8" else "|i1")
    in_floats = 0
    for _ in range(4):
        scale = random.integers(0, (1 << 32) - 1, CHANNELS) >> random.integers(0, 32, CHANNELS)
        scales = Scales(random.integers(-(1 << 31), 1 << 31, CHANNELS), scale, random.integers(*shifts, CHANNELS))
        for found in (None, table if dtype != "int16" else None):
            out = output(dtype, rounding, random, found)
            in_floats += output_stage._floats(COMMAND, out, scales) is not None
            values = near_ties(random, scales)
            plain = np.vectorize(lambda *given, out=out: expected(*map(int, given), out))(
                values, scales.bias, scales.scale, scales.shift
            )
            want = plain if found is None else output_stage._look_up(table, memory, plain)
            for accumulators in (values[:, None], values[:, None].astype(np.float64)):
                have = output_stage.finish(COMMAND, out, memory, accumulators, scales)
                assert have.dtype == dtype
                np.testing.assert_array_equal(have[:, 0], want)
    assert in_floats == (8 if shifts[1] <= 34 or (shifts[1] <= 41 and dtype != "int16") else 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("channels", [1, 3, 16])
def test_depthwise_sums_are_those_of_its_windows(stride: int, dilation: int, channels: int, dtype: type) -> None:
    random = np.random.default_rng(stride)
    kernel = Kernel(2, 3, 2, stride, 1, dilation, 0, 0, 0, 0, False)
    height, width = 4, 5
    rows, columns = kernel.input_size(height, width)
    padded = random.integers(-128, 128, (rows, columns, channels)).astype(dtype)
    taps = random.integers(-128, 128, (2, 3, channels)).astype(np.float32)
    have = convolution._depthwise(padded, taps, kernel, height, width)
    for y, x in np.ndindex(height, width):
        window = padded[2 * y : 2 * y + 2, stride * x : stride * x + 2 * dilation + 1 : dilation]
        np.testing.assert_array_equal(have[y, x], (window * taps).sum(axis=(0, 1)))
    assert have.dtype == dtype
