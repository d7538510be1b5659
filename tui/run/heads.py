"""Heads of events, decoded in a fifth of the time that the events take: for logs of millions of lines."""

from collections.abc import Sequence

import msgspec

from tui.run.events import Level, Logged, decode


class Head(msgspec.Struct, frozen=True, gc=False):
    """The head of an event: its kind and time, and of a line of log its source and level."""

    event: str
    t: float = 0.0
    source: str = ""
    level: Level = "info"

    @property
    def logged(self) -> bool:
        """True for a line of log."""
        return self.event == LOGGED


LOGGED = str(Logged.__struct_config__.tag)

_heads: msgspec.json.Decoder[list[Head]] = msgspec.json.Decoder(list[Head])


def decode_heads(lines: Sequence[bytes]) -> list[Head | None]:
    """Decode the head of each journal line, in a fifth of the time; None for one that `decode` cannot read."""
    try:
        decoded: list[Head | None] = list(_heads.decode(b"[" + b",".join(lines) + b"]"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        decoded = []
    # One by one only where something is wrong with one of them.
    return decoded if len(decoded) == len(lines) else [_head(line) for line in lines]


def _head(line: bytes) -> Head | None:
    event = decode(line)
    if isinstance(event, Logged):
        return Head(event=LOGGED, t=event.t, source=event.source, level=event.level)
    return None if event is None else Head(event="", t=event.t)
