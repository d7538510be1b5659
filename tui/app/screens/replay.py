"""The Run screen of a replayed run."""

import tempfile
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message_pump import MessagePump
from textual.widgets import Static

from tui.app.screens.feed import Feed, Readings
from tui.app.screens.messages import Back
from tui.app.screens.run import RunScreen
from tui.app.widgets.background import in_background
from tui.app.widgets.drawing import show
from tui.run import journal, replay, store
from tui.run.replay import Player
from tui.run.state import State

FASTER = 2.0


class ReplayFeed(Feed):
    """Feed from the growing copy of a run; whether the run was lost is taken from the run itself, at the end."""

    def __init__(self, copy: Path, listener: MessagePump, directory: Path, player: Player) -> None:
        super().__init__(copy, listener, Readings())
        self._original = directory
        self._player = player

    def _look(self) -> None:
        """Do nothing: no platform runs whose use of this machine could be shown."""

    def _settled(self, folded: State) -> State:
        return store.settled(self._original, folded) if self._player.done else folded


class ReplayScreen(RunScreen):
    """Screen of a run in the time it took, or faster; nothing is written to the run or asked of it."""

    CSS = """
    ReplayScreen #replay { height: 1; padding: 0 1; background: $raised; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "pause", "Pause", tooltip="Pause or resume", id="replay.pause"),
        Binding("right_square_bracket", "speed(1)", "Faster", key_display="]", id="replay.faster"),
        Binding("left_square_bracket", "speed(-1)", "Slower", key_display="[", show=False, id="replay.slower"),
        Binding("full_stop", "skip", "Skip the wait", key_display=".", id="replay.skip"),
        Binding("R", "again", "Again", key_display="R", tooltip="Replay from the beginning", id="replay.again"),
    ]

    def __init__(self, directory: Path, player: Player) -> None:
        super().__init__(directory, Readings())
        self._player = player
        self.clock = player.now
        self._folder = tempfile.TemporaryDirectory(prefix="fvp-tui-replay-", ignore_cleanup_errors=True)
        self._copy = replay.lay_out(directory, Path(self._folder.name))
        self._feed = ReplayFeed(self._copy, self, directory, player)

    def compose(self) -> ComposeResult:
        """Line of the replay, above the screen of the run."""
        yield Static("", markup=False, id="replay")
        yield from super().compose()

    def on_mount(self) -> None:
        """Begin the replay."""
        in_background("replay", lambda: replay.play_into(self._player, self._copy))
        self.set_interval(1.0, self._say)
        self._say()

    def on_unmount(self) -> None:
        """End the replay."""
        self._player.stop()
        self._folder.cleanup()

    def _say(self) -> None:
        if not self.children:
            return
        player = self._player
        how = "finished (R replays it)" if player.done else "PAUSED" if player.paused else ""
        drawn = Content.assemble(("REPLAY", "bold $accent"), f"  {player.words}", (f"  {how}" if how else "", "bold"))
        show(self.query_one("#replay", Static), drawn, layout=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable the actions that would change the run."""
        if action in ("stop", "rerun", "edit", "try", "infer", "infer_on"):
            return False
        return super().check_action(action, parameters)

    def action_pause(self) -> None:
        """Pause or resume."""
        self._player.pause()
        self._say()

    def action_speed(self, step: int) -> None:
        """Double or halve the speed."""
        self._player.change_speed(FASTER**step)
        self._say()

    def action_skip(self) -> None:
        """Skip to the next event."""
        self._player.skip()

    def action_again(self) -> None:
        """Replay from the beginning."""
        before = self._player
        player = Player(self.directory / journal.FILE, before.speed, before.longest_wait_s)
        self.app.switch_screen(ReplayScreen(self.directory, player))

    def action_back(self) -> None:
        """Close the screen."""
        self.post_message(Back(self))
