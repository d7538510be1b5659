"""Deleting and stopping runs beside the event loop."""

from collections.abc import Sequence

from textual.message import Message
from textual.message_pump import MessagePump

from tui.app.widgets.background import in_background, tell
from tui.errors import UserError
from tui.run import control, store


class Deleted(Message):
    """Runs were deleted; `why_not` says what could not be done."""

    def __init__(self, names: Sequence[str], why_not: str | None = None) -> None:
        super().__init__()
        self.names = names
        self.why_not = why_not


def delete(listener: MessagePump, names: Sequence[str]) -> None:
    """Delete runs, and tell by `Deleted` which are gone."""

    def work() -> None:
        gone, problems = [], []
        for name in names:
            try:
                store.remove(store.folder() / name)
            except FileNotFoundError:
                gone.append(name)  # by somebody else
            except UserError as error:
                problems.append(error.what)
            except OSError as error:
                problems.append(str(error))
            else:
                gone.append(name)
        rest = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        tell(listener, Deleted(gone, f"{problems[0]}{rest}" if problems else None))

    in_background("delete", work)


def stop(listener: MessagePump, name: str) -> None:
    """Stop a run; `Deleted` tells why it was not stopped."""

    def work() -> None:
        try:
            control.stop(store.folder() / name)
        except UserError as error:
            tell(listener, Deleted((), str(error)))

    in_background("stop", work)
