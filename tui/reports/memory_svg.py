"""A memory map for a page, as inline SVG: tensors by address and step, below them the bytes in use and the limit.

Its colours are classes of the page's style sheet. All text in it is foreign: it is cleaned, and escaped by `Markup`.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from markupsafe import Markup

from tui.reports.format import kib, number
from tui.reports.memory import Area, Peak, area_words, peak, tensor_words
from tui.reports.memory_use import budget, facts, limit_words, shades, short_name, use
from tui.run.figures import TensorPlace
from tui.run.state import State
from tui.text import clean

WIDTH, MARGIN = 1000, 64
"""Width of the drawing and of its address labels, in its own units."""
MAP, GAP, USE = 280, 40, 56
"""Heights of the map, of the steps below it, and of the bytes in use."""
HEIGHT = MAP + GAP + USE + 8
CHARACTER, LINE = 7.3, 14
"""Width of a character, and distance of lines."""
LEAST = (22, 14)
"""Width and height from which on a block has its letter."""
MOST_TENSORS = 500
"""Tensors that are drawn, the largest."""
STEP_APART = 42
FAR = 4.0
"""Factor between the peak and the limit from which on that is not drawn."""


def memory_svg(area: Area, state: State) -> Markup:
    """Draw one memory of one partition."""
    highest, used = peak(area, state.operators), use(area)
    at = _across(area, highest.time + 0.5)
    blocks = list(zip(area.tensors, shades(area), strict=True))[:MOST_TENSORS]
    parts = [
        *_addresses(area),
        *(_block(area, tensor, shade, state) for tensor, shade in blocks),
        _line("peak", at, 0, at, MAP),
        *(text for tensor, shade in blocks for text in _named(area, tensor, shade, state)),
        *_steps(area, highest, at),
        *_used(area, used, budget(state, area.memory)),
    ]
    return Markup('<svg viewBox="0 -6 {} {}" role="img"><title>{}</title>\n{}\n</svg>').format(
        WIDTH, HEIGHT + 6, area_words(area), Markup("\n").join(parts)
    )


def drawn(area: Area) -> int:
    """Count the tensors that are drawn."""
    return min(len(area.tensors), MOST_TENSORS)


def _across(area: Area, step: float) -> float:
    return MARGIN + (WIDTH - MARGIN) * step / area.steps


def _addresses(area: Area) -> Iterator[Markup]:
    """Lines of round addresses, and their labels."""
    step = 1
    while step * 6 < area.size:
        step *= 2
    tops = [*range(0, area.size - step // 2, step), area.size]
    for address in tops:
        y = MAP * (1 - address / area.size)
        text = kib(address) if address == area.size or step < 1024 else number(address / 1024)
        yield _line("grid", MARGIN, y, WIDTH, y)
        yield _text("axis", MARGIN - 6, y + 4, text, end=True)


def _box(area: Area, tensor: TensorPlace) -> tuple[float, float, float, float]:
    """Left, top, width and height of a block."""
    x, height = _across(area, tensor.start), MAP * tensor.bytes / area.size
    return x, MAP * (1 - tensor.address / area.size) - height, _across(area, tensor.end + 1) - x, height


def _block(area: Area, tensor: TensorPlace, shade: int, state: State) -> Markup:
    shape = Markup('<rect class="t{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>')
    return shape.format(shade + 1, *map(_short, _box(area, tensor)), _words(area, tensor, state))


def _named(area: Area, tensor: TensorPlace, shade: int, state: State) -> Iterator[Markup]:
    """Letter and name of a block, and its size below, where they fit."""
    x, y, width, height = _box(area, tensor)
    if width < LEAST[0] or height < LEAST[1]:
        return
    room = int((width - 8) / CHARACTER)
    name = short_name(area, tensor, state.operators, max(room - 2, 0)) if room > 4 else ""
    yield _text(f"on-t{shade + 1}", x + 4, y + LINE - 2, f"{area.mark(tensor)} {name}".rstrip())
    size = kib(tensor.bytes)
    if height >= 2 * LINE + 4 and len(size) <= room:
        yield _text(f"on-t{shade + 1}", x + 4, y + 2 * LINE - 2, size)


def _words(area: Area, tensor: TensorPlace, state: State) -> str:
    """All that is known of a tensor, for its tooltip."""
    told = "; ".join(f"{label} {words}" for label, words in facts(area, tensor, state.operators))
    return f"{area.mark(tensor)} {tensor_words(tensor)}; {told}"


def _steps(area: Area, highest: Peak, at: float) -> Iterator[Markup]:
    """Numbers of the steps, and the peak with what runs then."""
    every = next(
        n * 10**e for e in range(9) for n in (1, 2, 5) if n * 10**e * (WIDTH - MARGIN) >= STEP_APART * area.steps
    )
    for step in range(0, area.steps, every):
        yield _text("axis", _across(area, step + 0.5), MAP + LINE, str(step), middle=True)
    name = clean(highest.operator.name, 60) if highest.operator is not None else f"step {highest.time}"
    words = f"▲ peak {kib(highest.bytes)}, step {highest.time}: {name}"
    right = at + CHARACTER * len(words) > WIDTH
    yield _text("mark", at + (4 if right else -4), MAP + 2 * LINE, words, end=right)


def _used(area: Area, used: Sequence[int], limit_kib: float | None) -> Iterator[Markup]:
    """Bytes in use at each step, the fullest marked, and the limit as a rule."""
    most, bottom = max(used), MAP + GAP + USE
    limit = limit_kib * 1024 if limit_kib and limit_kib * 1024 <= FAR * most else None
    top = max(most, limit or 0)
    edges = [0, *(at for at, (one, two) in enumerate(pairwise(used), start=1) if one != two), len(used)]
    for begin, end in pairwise(edges):
        height = USE * used[begin] / top
        x = _across(area, begin)
        yield Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>').format(
            "most" if used[begin] == most else "used",
            *map(_short, (x, bottom - height, _across(area, end) - x, height)),
        )
    yield _text("axis", MARGIN - 6, bottom - USE + LINE - 4, kib(round(top)), end=True)
    yield _text("axis", MARGIN - 6, bottom, "in use", end=True)
    if limit:
        y = bottom - USE * limit / top
        yield _line("limit", MARGIN, y, WIDTH, y)
        yield _text("limit-words", WIDTH - 4, y + LINE, f"limit {limit_words(limit / 1024)}", end=True)


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    return Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(kind, *map(_short, (x1, y1, x2, y2)))


def _text(kind: str, x: float, y: float, words: str, *, end: bool = False, middle: bool = False) -> Markup:
    anchor = Markup(' text-anchor="{}"').format("end" if end else "middle") if end or middle else ""
    return Markup('<text class="{}" x="{}" y="{}"{}>{}</text>').format(kind, _short(x), _short(y), anchor, words)


def _short(place: float) -> float:
    """A place in the drawing, a tenth of its unit fine."""
    return round(place, 1)
