"""Lines of standard input, awaited without missing a signal."""

import os
import select
import signal
from collections.abc import Iterator

AT_ONCE = 1 << 16


def lines(source: int) -> Iterator[bytes]:
    """The lines that come from a file descriptor, without their ends, until it is closed; in the main thread only.

    A signal that comes when Python has last looked for one, and the wait has not begun, would be seen only once
    there is something to read: for a server that nobody asks for anything, never. So the wait is for signals too.
    """
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    before = signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    rest, open_ = b"", True
    try:
        while open_:
            there, _, _ = select.select([source, woken], [], [])
            if woken in there:
                os.read(woken, AT_ONCE)
            if source in there:
                data = os.read(source, AT_ONCE)
                open_ = bool(data)
                *whole, rest = (rest + data).split(b"\n")
                yield from whole
        if rest:
            yield rest
    finally:
        signal.set_wakeup_fd(before)
        os.close(woken)
        os.close(wake)
