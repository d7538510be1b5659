"""Integer arithmetic of the NPU: scaling with rounding, and saturation. Numbers are int64, which is enough."""

import functools
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from tui.simulator.ethosu.memory import NDArray
from tui.simulator.ethosu.stream import Command

Int64 = npt.NDArray[np.int64]

DOUBLE_ROUND_ABOVE = 31
DOUBLE_ROUND_BIT = 30
"""TOSA 1.0 DOUBLE_ROUND adds this bit away from zero before shifts above 31. Where TensorFlow Lite shifts values left
by n bits first, which the NPU leaves out, both are less by n (regor's graphir_optimiser.cpp)."""
INT63 = 1 << 62
"""Products below this cannot overflow int64, rounding term included."""


class Rounding(IntEnum):
    """Rounding of a scaling, by the U85's numbers.

    TOSA's DOUBLE_ROUND; to nearest with halves up, the same with halves away from zero; toward zero; down.
    """

    DOUBLE_SYMMETRIC = 0
    NATURAL = 1
    SYMMETRIC = 3
    TRUNCATE_TO_ZERO = 4
    TRUNCATE_TO_LOWER = 5


@dataclass(frozen=True)
class Scale:
    """A scaling: value * scale / 2**shift, rounded."""

    scale: int
    shift: int
    rounding: int
    left: int = 0
    """Bits that TensorFlow Lite shifts left before the scaling, which only its double rounding has to know."""

    @property
    def is_unit(self) -> bool:
        """True if it leaves every value as it is."""
        return self.scale == 1 and self.shift == 0


def round_shift(values: Int64, shift: Any) -> Int64:
    """values / 2**shift rounded to nearest, halves up (TOSA 1.0 SINGLE_ROUND); in place. Shift 0 does nothing."""
    half = (np.int64(1) << np.asarray(shift, np.int64)) >> np.int64(1)
    values += half
    values >>= np.asarray(shift, np.int64)
    return values


def double_term(shift: Int64) -> npt.NDArray[np.float64]:
    """The magnitude of DOUBLE_ROUND's term after each shift."""
    return np.where(shift > DOUBLE_ROUND_ABOVE, np.ldexp(float(1 << DOUBLE_ROUND_BIT), -shift), 0.0)


def _double_round(products: Int64, shift: Any, left: int) -> Int64:
    """The term that DOUBLE_ROUND adds before the shift."""
    term = 1 << DOUBLE_ROUND_BIT - left
    return np.where(np.asarray(shift) > DOUBLE_ROUND_ABOVE - left, np.where(products >= 0, term, -term), 0)


def multiply(values: Int64, factor: Any, shift: Any, rounding: Rounding = Rounding.NATURAL, left: int = 0) -> Int64:
    """values * factor / 2**shift, rounded; `factor` and `shift` are numbers or one for each channel.

    `left` is as in `Scale`.
    """
    if rounding == Rounding.TRUNCATE_TO_LOWER:
        return (values * np.asarray(factor, np.int64)) >> np.asarray(shift, np.int64)
    if rounding in (Rounding.SYMMETRIC, Rounding.TRUNCATE_TO_ZERO):
        inner = Rounding.NATURAL if rounding == Rounding.SYMMETRIC else Rounding.TRUNCATE_TO_LOWER
        magnitudes = multiply(np.abs(values), factor, shift, inner)
        return np.where(values < 0, -magnitudes, magnitudes)
    largest = max(abs(int(values.max(initial=0))), abs(int(values.min(initial=0))))
    if largest * (factor if isinstance(factor, int) else int(np.max(factor, initial=0))) < INT63:
        products = values * np.asarray(factor, np.int64)
        if rounding == Rounding.DOUBLE_SYMMETRIC:
            products += _double_round(products, shift, left)
        return round_shift(products, shift)
    # Rare (wide accumulators with a wide scale): exact in Python's integers.
    factors, shifts = np.broadcast_arrays(np.asarray(factor, object), np.asarray(shift, object))
    halves = np.array([(1 << int(s)) >> 1 for s in shifts.reshape(-1)], object).reshape(shifts.shape)
    extra = _double_round(values, shift, left).astype(object) if rounding == Rounding.DOUBLE_SYMMETRIC else 0
    wide = (values.astype(object) * factors + halves + extra) >> shifts
    limits = np.iinfo(np.int64)
    return np.clip(wide, limits.min, limits.max).astype(np.int64)


def rounding(command: Command, scale: Scale) -> Rounding:
    """Rounding of a scaling.

    Raises:
        CommandStreamError: in a way whose meaning is not known.
    """
    if scale.rounding not in list(Rounding):
        raise command.error(f"rounding {scale.rounding} with a scale of {scale.scale} >> {scale.shift} is not known")
    return Rounding(scale.rounding)


def apply(command: Command, values: Int64, scale: Scale) -> Int64:
    """`values` scaled.

    Raises:
        CommandStreamError: the rounding is none whose meaning is known.
    """
    if scale.is_unit:
        return values
    return multiply(values, scale.scale, scale.shift, rounding(command, scale), scale.left)


@functools.cache
def _common_range(one: np.dtype[Any], other: np.dtype[Any]) -> tuple[int, int]:
    """The least and the greatest number that two integer types both have."""
    limits = np.iinfo(one), np.iinfo(other)
    return max(limit.min for limit in limits), min(limit.max for limit in limits)


def saturate(values: NDArray, dtype: np.dtype[Any]) -> NDArray:
    """`values` as `dtype`, those out of its range at its ends."""
    if values.dtype == dtype:
        return values
    if dtype.itemsize < values.dtype.itemsize or dtype.kind != values.dtype.kind:
        values = np.clip(values, *_common_range(values.dtype, dtype))
    return values.astype(dtype)
