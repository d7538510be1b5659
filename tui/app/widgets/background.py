"""Background threads and their messages. Threads are daemons, so that nothing keeps the program from quitting."""

import threading
from collections.abc import Callable

from textual.message import Message
from textual.message_pump import MessagePump


def in_background(name: str, work: Callable[[], None]) -> None:
    """Run `work` in a thread of its own. It touches no widget: it tells them by `tell`."""
    threading.Thread(target=work, name=name, daemon=True).start()


def tell(listener: MessagePump, message: Message) -> bool:
    """Post a message from a thread; False where nobody listens any more."""
    try:
        return listener.post_message(message)
    except RuntimeError:
        return False  # the widget is gone, or the event loop has closed: the program is on its way out
