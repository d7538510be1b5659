"""The line of keys at the foot of a screen. What does not fit is counted, and `?` always shows all."""

from textual.binding import Binding
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from tui.app.widgets.drawing import show


class KeyBar(Static):
    """Keys of the screen and of the focused widget, as many as fit."""

    def __init__(self) -> None:
        super().__init__("", markup=False)

    def on_mount(self) -> None:
        """Follow changes of focus and of what is possible."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)
        self._changed(self.screen)

    def on_resize(self) -> None:
        """Draw for the new width."""
        self._changed(self.screen)

    def _changed(self, screen: Screen[object]) -> None:
        if screen is not self.screen or not self.size.width:
            return
        show(self, self._draw(screen), layout=False)

    def _draw(self, screen: Screen[object]) -> Content:
        seen: set[str] = set()
        keys: list[Binding] = []
        for active in screen.active_bindings.values():
            binding = active.binding
            if binding.show and active.enabled and binding.action not in seen:
                seen.add(binding.action)
                keys.append(binding)
        # Help comes last and is never cut.
        helps = [b for b in keys if b.action == "app.help" or b.action == "help"]
        others = [b for b in keys if b not in helps]
        words = [(self.app.get_key_display(b), b.description) for b in others]
        tail = [(self.app.get_key_display(b), b.description) for b in helps]

        def width(items: list[tuple[str, str]]) -> int:
            return sum(len(key) + len(word) + 3 for key, word in items)

        shown = list(words)
        while shown and width(shown + tail) + (len("+99 more  ") if len(shown) < len(words) else 0) > self.size.width:
            shown.pop()
        parts: list[Content] = []
        for key, word in shown:
            parts.append(Content.assemble((key, "bold $accent"), f" {word}"))
        if len(shown) < len(words):
            parts.append(Content(f"+{len(words) - len(shown)} more"))
        for key, word in tail:
            parts.append(Content.assemble((key, "bold $accent"), f" {word}"))
        return Content("  ").join(parts)
