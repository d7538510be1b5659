"""Comparisons as Markdown, read back by a parser of GitHub's dialect."""

from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.app import fakes
from tests.conftest import Fvp
from tui.analysis import compare
from tui.analysis.compare import Compared, ComparedModule, Comparison, Difference
from tui.reports import compare_markdown, markdown
from tui.run import store

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
TRAPS = ["a|b", "`x` | ``y``", "<script>alert(1)</script>", "[a](http://b)", "*a* _b_ ~~c~~", "\\|", "@someone #1 $x$"]


def tokens(text: str) -> list[Token]:
    found = PARSER.parse(text)
    return [inner for one in found for inner in (one, *(one.children or ()))]


def cells(text: str) -> list[list[str]]:
    """The rows of all tables as plain text."""
    rows: list[list[str]] = []
    for token in PARSER.parse(text):
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and rows and token.level > 2:
            rows[-1].append("".join(child.content for child in token.children or ()))
    return rows


@pytest.mark.parametrize("trap", TRAPS)
def test_text_from_outside_is_shown_as_it_is(trap: str) -> None:
    (code,) = [one for one in tokens(markdown.code(trap)) if one.type == "code_inline"]
    assert code.content == trap
    shown = tokens(markdown.words(trap))
    assert {one.type for one in shown} <= {"paragraph_open", "inline", "text", "text_special", "paragraph_close"}
    plain = "".join(one.content for one in shown if one.type.startswith("text"))
    assert plain.replace(markdown.ZERO_WIDTH, "") == trap
    rows = cells("\n".join(markdown.table(["a", "b"], [[markdown.code(trap), markdown.words(trap)]])))
    assert [len(row) for row in rows] == [2, 2] and rows[1][0] == trap
    (fence,) = [one for one in tokens("\n".join(markdown.fenced(f"```\n{trap}\n````"))) if one.type == "fence"]
    assert fence.content == f"```\n{trap}\n````\n"
    assert "@someone" not in markdown.words(trap)


def hostile(text: str) -> Comparison:
    return Comparison(
        a=text, b=text, comparable=True, differs=(Difference(name=f"spec.{text}", a=text, b=text),),
        figures=(Compared(name="total_cycles", a=100, b=120, change_pct=20.0, regression=True),),
        operators=(ComparedModule(name=text, a=10, b=20, change_pct=100.0, line_b=text),),
    )  # fmt: skip


@pytest.mark.parametrize("trap", [*TRAPS, fakes.HOSTILE, "a\nb"])
def test_names_from_outside_break_no_table(trap: str) -> None:
    text = compare_markdown.document(hostile(trap))
    assert {len(row) for row in cells(text)} == {2, 5, 6} and "\x1b" not in text and "\u202e" not in text
    html = [one.content for one in tokens(text) if one.type.startswith("html")]
    assert all(part.strip().startswith(("<details><summary>1 module", "</details>")) for part in html), html


def test_the_verdict_comes_first_and_what_is_worse_is_marked(home: Path) -> None:
    before, after = fakes.faster("20261123-1-a-u85-256-aaaa", 4_000), fakes.faster("20261123-2-a-u85-256-bbbb", 5_000)
    result = compare.compare(store.load(before), store.load(after), compare.Profile())
    lines = compare_markdown.document(result).splitlines()
    assert lines[0].startswith("### ❌") and "WORSE" in lines[0]
    row = next(row for row in cells("\n".join(lines)) if row[0] == "total_cycles")
    assert row[1:] == ["4,000", "5,000", "+25.0 %", "WORSE"]
    same = compare.compare(store.load(before), store.load(before), compare.Profile())
    assert compare_markdown.document(same).startswith("### ✅ NOT WORSE")


def test_the_command_prints_it_with_the_exit_status_of_the_comparison(fvp_tui: Fvp) -> None:
    fakes.faster("20261123-1-a-u85-256-aaaa", 4_000)
    fakes.faster("20261123-2-a-u85-256-bbbb", 5_000)
    done = fvp_tui("compare", "last~1", "last", "--format", "markdown")
    assert done.returncode == 3 and done.stdout.startswith("### ❌") and done.stderr == ""
    assert fvp_tui("compare", "last~1", "last", "--json").stdout == (
        fvp_tui("compare", "last~1", "last", "--format", "json").stdout
    )
    both = fvp_tui("compare", "last~1", "last", "--json", "--format", "markdown")
    assert both.returncode == 2 and both.stderr.count("\n") == 1 and "exclude each other" in both.stderr
