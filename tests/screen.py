"""What stands on the screen of a program under Pilot."""

from typing import Any

from textual.app import App


def screen_lines(app: App[Any]) -> list[str]:
    """The lines of the screen, each as wide as it is."""
    return [strip.text for strip in app.screen._compositor.render_strips()]


def seen(app: App[Any]) -> str:
    """The screen as text."""
    return "\n".join(screen_lines(app))


def lines_at(app: App[Any], selector: str) -> list[str]:
    """The lines where a widget is, as wide as that."""
    region = app.screen.query_one(selector).region
    return [line[region.x : region.right] for line in screen_lines(app)[region.y : region.bottom]]
