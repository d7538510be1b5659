"""The memory map for a page: every tensor, its story, the use over time and the limit, in markup that stays markup."""

from xml.etree import ElementTree

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.app import fakes
from tests.app.test_hostile import TEXTS
from tests.reports.test_memory_use import OPERATORS, TENSORS
from tui.reports.memory import areas
from tui.reports.memory_svg import HEIGHT, WIDTH, memory_svg
from tui.run.figures import TensorPlace
from tui.run.spec import Limits
from tui.run.state import State


def drawing(tensors: tuple[TensorPlace, ...] = TENSORS, limit: int | None = 1) -> ElementTree.Element:
    """The map of the first memory."""
    spec = fakes.spec_of(limits=Limits(sram_kib=limit))
    state = State(spec=spec, operators=OPERATORS, tensors=tensors)
    return ElementTree.fromstring(memory_svg(areas(tensors)[0], state))


def blocks(svg: ElementTree.Element) -> list[ElementTree.Element]:
    return [rect for rect in svg.iter("rect") if rect.attrib["class"].startswith("t")]


def test_each_tensor_is_a_block_with_its_story() -> None:
    svg = drawing()
    assert len(blocks(svg)) == len(TENSORS)
    told = [rect.findtext("title") or "" for rect in blocks(svg)]
    assert any("A 256 B  body.0" in words and "written by body.0 (Conv2D), step 2" in words for words in told)
    texts = [text.text or "" for text in svg.iter("text")]
    assert "A body.0" in texts and "▲ peak 512 B, step 6: body.2" in texts and "limit 1 KiB" in texts
    assert any(rect.attrib["class"] == "most" for rect in svg.iter("rect"))


def test_without_a_limit_there_is_no_rule() -> None:
    svg = drawing(limit=None)
    assert not [line for line in svg.iter("line") if line.attrib["class"] == "limit"]
    # One far above all use would leave nothing to see.
    assert not [line for line in drawing(limit=1000).iter("line") if line.attrib["class"] == "limit"]


@pytest.mark.parametrize("text", TEXTS)
def test_names_are_only_text(text: str) -> None:
    named = tuple(msgspec.structs.replace(t, name=text, module=text, dtype=text, format=text) for t in TENSORS)
    svg = drawing(named)
    assert len(blocks(svg)) == len(TENSORS) and not list(svg.iter("b"))


@given(
    st.lists(
        st.builds(
            fakes.tensor,
            st.text(max_size=3),
            st.integers(0, 5),
            st.integers(5, 12),
            st.integers(0, 10**7),
            st.integers(1, 10**7),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_all_lies_within_the_drawing(made: list[TensorPlace]) -> None:
    for rect in drawing(tuple(made)).iter("rect"):
        x, y, width, height = (float(rect.attrib[name]) for name in ("x", "y", "width", "height"))
        assert -0.2 <= x <= x + width <= WIDTH + 0.2 and -0.2 <= y <= y + height <= HEIGHT + 0.2
