"""The pages for contributors name only what exists: paths, make targets, links."""

import re
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

PAGES = [REPOSITORY / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")]
PAGES += sorted((REPOSITORY / "docs").glob("*.md"))
PATH = re.compile(r"(?<![\w./-])((?:tui|tests|docs|themes|sample_models|\.ci)/[\w./-]*|[A-Z]+\.md|pyproject\.toml)")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
TARGETS = re.compile(r"^([a-z]+):", re.MULTILINE)
MAKE = re.compile(r"(?:`|^)make ((?:[a-z]+ ?)+)", re.MULTILINE)


def names(page: Path, pattern: re.Pattern[str]) -> list[str]:
    """All that a pattern finds in a page, without the stop of a sentence."""
    return [match.group(1).strip().rstrip(".") for match in pattern.finditer(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    missing = [name for name in names(page, PATH) if not (REPOSITORY / name).exists()]
    missing += [link for link in names(page, LINK) if not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    targets = set(TARGETS.findall((REPOSITORY / "Makefile").read_text(encoding="utf-8")))
    assert {word for line in names(page, MAKE) for word in line.split()} <= targets


def test_the_architecture_names_every_room() -> None:
    text = (REPOSITORY / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rooms = [p for p in (REPOSITORY / "tui").iterdir() if p.is_dir() and (p / "__init__.py").exists()]
    modules = [p for p in (REPOSITORY / "tui").glob("*.py") if not p.name.startswith("__")]
    assert [p.name for p in rooms if f"`tui/{p.name}/`" not in text] == []
    assert [p.name for p in modules if f"`tui/{p.name}`" not in text] == []
