"""RESIZE: nearest and bilinear sampling of the IFM, as TOSA 1.0 RESIZE defines it.

Output position o samples at (o * d + offset) / n, where d / n is the step: d = one_step_int * n + one_step_mod.
"""

from dataclasses import dataclass, replace

import numpy as np

from tui.simulator.ethosu import arithmetic, output_stage
from tui.simulator.ethosu.arithmetic import Int64, Scale
from tui.simulator.ethosu.memory import Memory, NDArray
from tui.simulator.ethosu.registers import bits
from tui.simulator.ethosu.stream import Command
from tui.simulator.ethosu85 import inputs, output
from tui.simulator.ethosu85.inputs import Chains
from tui.simulator.ethosu85.registers import ResizeMode

EXTRA_SHIFT = 16
"""OFM_SCALE's shift of a resize is that of the result plus this."""


@dataclass(frozen=True)
class Axis:
    """Sampling along one axis: index of the left sample, and how far right of it in units of 1/n."""

    left: Int64
    fraction: Int64
    n: int
    extent: int

    @property
    def right(self) -> Int64:
        """Index of the right sample, at most the last."""
        return np.minimum(self.left + 1, self.extent - 1)

    @property
    def nearest(self) -> Int64:
        """Index of the nearer sample; halfway is right."""
        return np.clip(self.left + (2 * self.fraction >= self.n), 0, self.extent - 1)


def _axis(command: Command, name: str, count: int, extent: int) -> Axis:
    r = command.registers
    n = r.get(f"RESIZE_{name}_SCALE_N_M1", 0) + 1
    step = r.get(f"RESIZE_{name}_STEP", 0)
    d = bits(step, 32, 4) * n + bits(step, 0, 11)
    offset = bits(r.get(f"RESIZE_{name}_OFFSET", 0), 0, 12)
    position = np.arange(count, dtype=np.int64) * d + (offset - ((offset >> 11) << 12))
    left = np.floor_divide(position, n)
    fraction = position - left * n
    return Axis(np.clip(left, 0, extent - 1), np.where(left < 0, 0, fraction), n, extent)


def _bilinear(values: Int64, y: Axis, x: Axis) -> Int64:
    """The weighted sum of the four samples around each position, not divided by the product of both n."""
    fy, fx = y.fraction[:, None, None], x.fraction[None, :, None]
    upper = values[y.left][:, x.left] * (x.n - fx) + values[y.left][:, x.right] * fx
    lower = values[y.right][:, x.left] * (x.n - fx) + values[y.right][:, x.right] * fx
    return upper * (y.n - fy) + lower * fy


def run(command: Command, memory: Memory, chains: Chains) -> NDArray:
    """Execute RESIZE; the OFM as written.

    Raises:
        CommandStreamError: a mode whose meaning is not known, or something out of bounds.
    """
    mode = bits(command.parameter, 0, 2)
    out = output.from_registers(command)
    height, width, depth = output_stage.size(command)
    output.check(out, memory, (height, width, depth))
    r = command.registers
    # The kernel registers hold the extent of the IFM that is read.
    rows, columns = r.get("KERNEL_HEIGHT_M1", 0) + 1, r.get("KERNEL_WIDTH_M1", 0) + 1
    values = inputs.read(command, "IFM", memory, chains, (rows, columns, depth)).centred()
    y, x = _axis(command, "Y", height, rows), _axis(command, "X", width, columns)
    if mode == ResizeMode.NEAREST:
        sampled = values[y.nearest][:, x.nearest]
    elif mode == ResizeMode.BILINEAR:
        sampled = _bilinear(values, y, x)
    else:
        raise command.error("resize mode is not known")
    shift = out.scale.shift - EXTRA_SHIFT
    if out.scale.scale != 1 or shift < 0:
        raise command.error(f"a resize with scale {out.scale.scale} >> {out.scale.shift} is not known")
    sampled = arithmetic.apply(command, sampled, Scale(1, shift, out.scale.rounding))
    unscaled = replace(out, scale=Scale(1, 0, out.scale.rounding))
    finished = output_stage.finish(command, unscaled, memory, sampled)
    output.write(command, out, memory, chains, finished)
    return finished
