"""The kernel of a windowed operation: its size, steps and padding."""

from dataclasses import dataclass

from tui.simulator.ethosu.memory import Memory
from tui.simulator.ethosu.registers import bits
from tui.simulator.ethosu.stream import Command, once

OTHER_DECOMPOSITION = 5
TAPS_LIMIT = 256 * 256
"""Elements of the largest window the hardware reduces."""

PADDED_LIMIT = 4
"""Limit of a padded IFM's elements, in multiples of those that memory can hold."""

WORK_LIMIT = 1 << 38
"""Multiply-accumulates of one command: beyond any network an NPU of this size is for."""


@dataclass(frozen=True)
class Kernel:
    """`height` and `width` count taps; a dilated kernel spans (taps - 1) * dilation + 1."""

    height: int
    width: int
    stride_y: int
    stride_x: int
    dilation_y: int
    dilation_x: int
    top: int
    left: int
    bottom: int
    right: int
    part_kernel: bool

    @property
    def span_y(self) -> int:
        """Rows the dilated kernel covers."""
        return (self.height - 1) * self.dilation_y + 1

    @property
    def span_x(self) -> int:
        """Columns the dilated kernel covers."""
        return (self.width - 1) * self.dilation_x + 1

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of IFM that an OFM of `height` x `width` needs, without padding."""
        rows = (height - 1) * self.stride_y + self.span_y - self.top - self.bottom
        columns = (width - 1) * self.stride_x + self.span_x - self.left - self.right
        return rows, columns

    @property
    def is_point(self) -> bool:
        """A 1x1 kernel that moves by one and pads nothing: windows are the elements themselves."""
        sizes = (self.height, self.width, self.stride_y, self.stride_x)
        return sizes == (1, 1, 1, 1) and not (self.top or self.left or self.bottom or self.right)


def input_shape(command: Command, k: Kernel, height: int, width: int, depth: int) -> tuple[int, int, int]:
    """(rows, columns, channels) of IFM that an OFM of `height` x `width` needs.

    Raises:
        CommandStreamError: it needs none.
    """
    rows, columns = k.input_size(height, width)
    if rows < 1 or columns < 1:
        raise command.error(f"an output of {height}x{width} needs an input of {rows}x{columns}")
    return rows, columns, depth


def check(command: Command, k: Kernel, memory: Memory, ifm: tuple[int, int, int], work: int) -> None:
    """Refuse a window operation on an IFM of that shape that is larger than any there can be.

    Raises:
        CommandStreamError: it takes more memory or more multiplications than a network can ask for.
    """
    rows, columns, channels = ifm
    if k.height * k.width > TAPS_LIMIT:
        raise command.error(f"a kernel of {k.height}x{k.width} is more than there can be")
    memory.check_elements((rows + k.top + k.bottom, columns + k.left + k.right, channels), PADDED_LIMIT)
    if work * k.height * k.width > WORK_LIMIT:
        raise command.error(f"a kernel of {k.height}x{k.width} at that many places is more than can be computed")


@once
def from_registers(command: Command) -> Kernel:
    """The kernel of a command: KERNEL_*_M1 hold dilated sizes less one, KERNEL_STRIDE the steps."""
    r = command.registers
    steps = r.get("KERNEL_STRIDE", 0)
    if bits(steps, OTHER_DECOMPOSITION):
        raise command.error("kernel decomposition 4x4 is not known")
    dilation_x, dilation_y = bits(steps, 3) + 1, bits(steps, 4) + 1
    return Kernel(
        height=r.get("KERNEL_HEIGHT_M1", 0) // dilation_y + 1,
        width=r.get("KERNEL_WIDTH_M1", 0) // dilation_x + 1,
        stride_y=(bits(steps, 1) | bits(steps, 9) << 1) + 1,
        stride_x=(bits(steps, 0) | bits(steps, 6) << 1) + 1,
        dilation_y=dilation_y,
        dilation_x=dilation_x,
        top=r.get("IFM_PAD_TOP", 0),
        left=r.get("IFM_PAD_LEFT", 0),
        bottom=r.get("IFM_PAD_BOTTOM", 0),
        right=r.get("IFM_PAD_RIGHT", 0),
        part_kernel=bits(steps, 2) == 1,
    )
