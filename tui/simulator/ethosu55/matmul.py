"""Matrix multiplications: for each column of the result a product of the first matrix with a row, and the sum over it.

The compiler's estimate (Vela 5.1, regor's EthosU55Performance) adds these up.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tui.simulator.ethosu import passes
from tui.simulator.ethosu.passes import Pass
from tui.simulator.ethosu.registers import ElementwiseMode, PoolMode


def _pair(product: Pass, total: Pass) -> bool:
    """Tell if a pass sums up what the one before it multiplied."""
    return (
        passes.elementwise_mode(product.command) == ElementwiseMode.MUL
        and total.command.name == "POOL"
        and passes.pool_mode(total.command) == PoolMode.REDUCE_SUM
        and total.command.index == product.command.index + 1
        and (product.ofm.region, product.ofm.bases[0]) == (total.ifm.region, total.ifm.bases[0])
        and product.ofm_shape == total.ifm_shape
    )


def run(found: Sequence[Pass], at: int) -> int:
    """Number of passes from `at` on that are one matrix multiplication; 0 if the first is in none."""
    count = 0
    while at + count + 1 < len(found) and _pair(found[at + count], found[at + count + 1]):
        product, total = found[at + count], found[at + count + 1]
        if (product.ifm, product.ofm_shape) != (found[at].ifm, found[at].ofm_shape):
            break
        if count and total.command.index != found[at].command.index + count + 1:
            break
        count += 2
    return count


def reckoned(group: Sequence[Pass]) -> Iterator[Pass]:
    """Passes of a matrix multiplication as the compiler reckons with them: products as wide as what is multiplied."""
    for product, total in zip(group[::2], group[1::2], strict=True):
        yield product
        yield replace(total, ifm=replace(product.ifm, region=total.ifm.region))
