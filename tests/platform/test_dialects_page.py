"""The page about logs names every program whose words are understood, and every kind of time stamp."""

from tests.conftest import REPOSITORY
from tui.platform import dialects, stamps


def test_the_page_names_every_dialect_and_every_stamp() -> None:
    page = " ".join((REPOSITORY / "docs" / "logs.md").read_text(encoding="utf-8").split())
    programs = {program for row in dialects.TABLE for program in row.source.removesuffix(", server mode").split("; ")}
    assert sorted(program for program in programs if program not in page) == []
    assert [kind.name for kind in stamps.TABLE if kind.name not in page] == []
