"""Tables whose rows come and go while people look at them."""

from textual.app import App, ComposeResult

from tests.screen import seen
from tui.app.widgets.table import Column, FigureTable, Row


class Listed(App[None]):
    CSS = "FigureTable { height: 1fr; }"

    def compose(self) -> ComposeResult:
        yield FigureTable([Column("name")])


async def test_the_row_under_the_cursor_stays_in_view_when_rows_come_before_it() -> None:
    app = Listed()
    rows = [Row(str(number), (f"row {number}",)) for number in range(40)]
    async with app.run_test(size=(30, 8)) as pilot:
        table = app.query_one(FigureTable)
        table.set_rows(rows[38:], select="39")
        await pilot.pause()
        table.set_rows(rows)
        await pilot.pause()
        assert table.current == rows[39]
        assert "row 39" in seen(app)
