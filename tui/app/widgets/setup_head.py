"""The first line of the Setup screen: what to do here, or the run that is under way, and what is installed."""

from collections.abc import Callable

from tui.app.widgets.installed import Platforms, RunUnderWay, going_words, installed_words
from tui.app.widgets.masthead import Masthead

HINT, SHORT_HINT = "choose a model and a target, Enter runs it", "Enter runs the model"
EVERYTHING = 100
"""Cells from which on all that is installed is named."""
ROOMY = 72
"""Cells from which on there is room for the whole hint."""


class SetupHead(Masthead):
    """A line that has room for all of it from the first picture on."""

    def __init__(self, clock: Callable[[], float], *, id: str) -> None:
        super().__init__("Setup", id=id)
        self._clock = clock
        self.platforms: Platforms | None = None
        self.run: RunUnderWay | None = None

    def redraw(self, platform: str, *, compiles: bool, key: str) -> None:
        """Draw for the platform that is asked for; `key` watches the run."""
        width = self.app.size.width
        hint = HINT if width >= ROOMY else SHORT_HINT
        short = width < EVERYTHING
        self.show(
            middle=[(hint, "muted", False)] if self.run is None else going_words(self.run, self._clock(), key),
            end=installed_words(self.platforms, platform, compiles=compiles, short=short),
        )
