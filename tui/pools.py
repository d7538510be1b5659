"""The memory a program will ask its runner for, and what the runner has: known before anything is started.

Names are those the runner prints for its pools. Source: ExecuTorch's examples/arm/executor_runner - planned buffers of
memory id 1 come from its method allocator, the NPU's scratch from its temporary allocator.
"""

from collections.abc import Mapping

from tui.model import pte
from tui.run.figures import PoolNeed
from tui.simulator import delegate

METHOD, TEMPORARY = "method_allocator", "temp_allocator"
PLANNED = 1
"""Memory id of planned buffers; others have pools of their own."""


def needs(program: bytes, available: Mapping[str, int]) -> tuple[PoolNeed, ...]:
    """What `program` asks for at least, against the sizes in bytes of the runner's pools, as far as they are known.

    Raises:
        pte.PteError: it is no program.
        delegate.DelegateError: one of its delegates is malformed.
    """
    parsed = pte.parse(program)
    plan = parsed.main
    planned = sum(plan.buffer_sizes[PLANNED : PLANNED + 1])
    scratch = max((delegate.scratch_bytes(one, parsed.named_data) for one in plan.delegates), default=0)
    return tuple(_need(name, size, available.get(name)) for name, size in ((METHOD, planned), (TEMPORARY, scratch)))


def _need(name: str, needed: int, available: int | None) -> PoolNeed:
    excess = None if available is None else max(0, needed - available)
    return PoolNeed(name=name, needed=needed, available=available, excess=excess)
