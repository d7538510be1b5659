"""A line on the block under the cursor of a ribbon."""

from tui.app.widgets.ribbon import Ribbon
from tui.app.widgets.words import place_name
from tui.reports.format import number, percentage
from tui.reports.operators import limiter
from tui.reports.ribbon import Part
from tui.reports.ribbon_layout import Block
from tui.run.figures import Operator
from tui.run.state import State
from tui.text import counted, printable_name


def place_words(ribbon: Ribbon) -> str:
    """The stretch that is shown, where it is not all of the network."""
    window = ribbon.window
    return "" if window is None else f"[{window[0] + 1}-{window[1]} of {len(ribbon.parts)}, - zooms out]"


def block_words(state: State, block: Block, total: int) -> str:
    """Name, cycles, share, module and source line of a block; text from outside is not cleaned yet."""
    cycles = "time not known" if block.cycles is None else f"{number(block.cycles)} cycles"
    share = percentage(block.cycles / total) if total and block.cycles is not None else ""
    (part, *more) = block.parts
    if more:
        kinds = counted(len(block.parts), "kernel" if block.side == "cpu" else "operator")
        return "  ".join(filter(None, (printable_name(block.name), kinds, cycles, share, "Enter opens the group")))
    if part.again:
        return f"partition {part.partition} called again: its cycles count where it is called first"
    words = [printable_name(part.name), printable_name(part.kind), cycles, share]
    if part.side == "cpu":
        words = [printable_name(part.kind), "on the CPU", cycles]
    operator = _operator(state, part)
    if operator is not None:
        words.append("" if operator.utilization is None else f"MAC use {percentage(operator.utilization)}")
        words.append(f"limited by {limiter(operator)}" if operator.bound else "")
    module = part.module if part.module and part.module != part.name else ""
    line = place_name(line_of(state, block) or "")
    return "  ".join(filter(None, (*words, f"in {printable_name(module)}" if module else "", line)))


def line_of(state: State, block: Block) -> str | None:
    """``FILE:LINE`` of the model that the only operator of a block comes from; None of several."""
    if len(block.parts) > 1:
        return None
    (part,) = block.parts
    operator = _operator(state, part)
    if operator is not None:
        return operator.line
    return state.cpu.operators[part.step].line if part.step is not None and not part.again else None


def _operator(state: State, part: Part) -> Operator | None:
    return None if part.operator is None else state.operators[part.operator]
