"""Write the tables of docs/options.md: ``python -m tests.options_table``."""

from collections.abc import Iterator
from itertools import groupby

from tests.conftest import REPOSITORY
from tui.run import options
from tui.run.option import Option

FILE = REPOSITORY / "docs" / "options.md"
BEGIN, END = "<!-- options -->\n", "<!-- /options -->\n"


def tables() -> str:
    """All options, a table for each group."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    for group, entries in groupby(options.TABLE, key=lambda option: option.group):
        yield f"\n### {group}\n"
        yield "| option | default | meaning | commands |"
        yield "| --- | --- | --- | --- |"
        for option in entries:
            default = option.default_text or ""
            shown = f"`{default}`" if default and not option.unset else default
            yield f"| `{_typed(option)}` | {shown} | {option.help} | {', '.join(option.commands)} |"
    yield "\n"


def _typed(option: Option) -> str:
    names = ", ".join(filter(None, (option.short, option.name)))
    value = "\\|".join(option.choices) or option.metavar
    return f"{names} {value}".strip()


def with_tables(page: str) -> str:
    """The page with the tables as they are now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{tables()}{END}{after}"


if __name__ == "__main__":
    FILE.write_text(with_tables(FILE.read_text(encoding="utf-8")), encoding="utf-8")
