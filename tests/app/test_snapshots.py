"""Pictures of the main screens. After a wanted change: look at the report, then ``pytest --snapshot-update``."""

import pytest

from tests.app.conftest import Draw
from tests.gallery.scene import PLAIN, SIZES

BROAD = (120, 40)
AT_SIZES = [pytest.param(size, id="x".join(map(str, size))) for size in SIZES]
THEMES = ("light", "high-contrast", "terminal")
"""Themes but for the dark one, in which all sizes are."""
LOOKS = [
    *(pytest.param(*size.values, "dark", id=f"{size.id}") for size in AT_SIZES),
    *(pytest.param(BROAD, theme, id=theme) for theme in THEMES),
]
"""Sizes in the dark theme, and the others at one size."""

at_sizes = pytest.mark.parametrize("size", AT_SIZES)
in_themes = pytest.mark.parametrize("theme", THEMES)
in_looks = pytest.mark.parametrize(("size", "theme"), LOOKS)


@at_sizes
def test_setup(size: tuple[int, int], draw: Draw) -> None:
    assert draw("setup", size)


@pytest.mark.parametrize("size", AT_SIZES[1:3])
def test_setup_of_another_family(size: tuple[int, int], draw: Draw) -> None:
    assert draw("setup of another family", size)


@in_themes
def test_setup_in_themes(theme: str, draw: Draw) -> None:
    assert draw("setup at its begin", BROAD, theme)


@at_sizes
def test_setup_of_a_model_that_was_never_run(size: tuple[int, int], draw: Draw) -> None:
    assert draw("setup while a run goes on", size)


@at_sizes
def test_run_that_went_well(size: tuple[int, int], draw: Draw) -> None:
    assert draw("run finished", size)


@pytest.mark.parametrize("size", AT_SIZES[1:3])
def test_run_on_another_family(size: tuple[int, int], draw: Draw) -> None:
    assert draw("run on another family", size)


@pytest.mark.parametrize("number", [2, 3, 4])
def test_panels_one_at_a_time(number: int, draw: Draw) -> None:
    assert draw(f"panel {number}", (80, 24))


def test_run_under_way(draw: Draw) -> None:
    assert draw("run under way", BROAD)


@in_looks
def test_history(size: tuple[int, int], theme: str, draw: Draw) -> None:
    assert draw("history", size, theme)


@in_looks
def test_compare(size: tuple[int, int], theme: str, draw: Draw) -> None:
    assert draw("compare", size, theme)


@pytest.mark.parametrize("size", AT_SIZES[1:3])
def test_compare_across_families(size: tuple[int, int], draw: Draw) -> None:
    assert draw("compare across families", size)


@at_sizes
def test_sweep(size: tuple[int, int], draw: Draw) -> None:
    assert draw("sweep", size)


@at_sizes
def test_sweep_over_families(size: tuple[int, int], draw: Draw) -> None:
    assert draw("sweep over families", size)


@in_themes
def test_sweep_in_other_colours(theme: str, draw: Draw) -> None:
    assert draw("sweep of cycles", BROAD, theme)


@at_sizes
def test_parameters(size: tuple[int, int], draw: Draw) -> None:
    assert draw("parameters", size)


@at_sizes
def test_help(size: tuple[int, int], draw: Draw) -> None:
    assert draw("help", size)


@at_sizes
def test_welcome(size: tuple[int, int], draw: Draw) -> None:
    assert draw("welcome", size)


@at_sizes
def test_memory(size: tuple[int, int], draw: Draw) -> None:
    assert draw("memory", size)


@in_themes
def test_memory_in_other_colours(theme: str, draw: Draw) -> None:
    assert draw("memory at its first tensor", BROAD, theme)


@in_themes
def test_themes(theme: str, draw: Draw) -> None:
    assert draw("run finished", BROAD, theme)


@pytest.mark.parametrize("theme", ["dark", "light", "terminal"])
def test_network_in_running_order(theme: str, draw: Draw) -> None:
    assert draw("network in running order", BROAD, theme)


@pytest.mark.parametrize("theme", ["light", "high-contrast"])
@pytest.mark.parametrize("name", ["parameters", "welcome", "export"])
def test_dialogs_in_other_colours(name: str, theme: str, draw: Draw) -> None:
    assert draw(name, BROAD, theme)


@pytest.mark.parametrize("size", AT_SIZES[1:3])
@pytest.mark.parametrize("name", ["setup", "run finished", "sweep", "history", "compare", "memory"])
def test_without_colours_and_unicode(name: str, size: tuple[int, int], draw: Draw) -> None:
    assert draw(name, size, PLAIN)
