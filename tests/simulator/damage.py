"""Damage to programs and command streams, drawn from a random generator."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tui.model import pte
from tui.simulator.delegate import EthosU

EDGES = (0x00, 0x01, 0x7F, 0x80, 0xFF)
PARAMETERS = (0, 1, 2, 0x7FFF, 0x8000, 0xFFFF)

Mutation = Callable[[np.random.Generator, bytes], bytes]


def flipped(random: np.random.Generator, data: bytes) -> bytes:
    """Some bytes changed, anywhere."""
    changed = np.frombuffer(data, np.uint8).copy()
    count = random.choice([1, 1, 2, 5, 20])
    changed[random.integers(0, len(changed), count)] = random.choice([*EDGES, int(random.integers(256))], count)
    return changed.tobytes()


def truncated(random: np.random.Generator, data: bytes) -> bytes:
    """The beginning of it."""
    return data[: random.integers(len(data))]


def spliced(random: np.random.Generator, data: bytes) -> bytes:
    """A part of it copied to another place."""
    first, last = sorted(random.integers(0, len(data), 2))
    at = random.integers(len(data))
    return data[:at] + data[first:last] + data[at + last - first :]


def flipped_outside_the_delegates(random: np.random.Generator, data: bytes) -> bytes:
    """As `flipped`; the plan is a small part of the file, and most flips there hit weights."""
    places = np.ones(len(data), np.bool_)
    for delegate in pte.parse(data).main.delegates:
        blob = bytes(delegate.data)
        begin = data.index(blob)
        places[begin : begin + len(blob)] = False
    changed = bytearray(data)
    for at in random.choice(np.flatnonzero(places), random.choice([1, 1, 2, 3])):
        changed[at] = random.choice([*EDGES, int(random.integers(256))])
    return bytes(changed)


def spoilt(random: np.random.Generator, words: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Some command words changed: parameters to extremes, single bits, whole words, words of elsewhere."""
    changed = words.copy()
    for _ in range(random.choice([1, 1, 2, 4])):
        at = random.integers(len(words))
        word = int(words[at])
        kind = random.random()
        if kind < 0.5:
            parameter = random.choice([*PARAMETERS, int(random.integers(1 << 16))])
            changed[at] = word & 0xFFFF | int(parameter) << 16
        elif kind < 0.8:
            changed[at] = word ^ 1 << int(random.integers(32))
        elif kind < 0.9:
            changed[at] = random.choice([0, 0x7FFFFFFF, 0xFFFFFFFF, int(random.integers(1 << 32))])
        else:
            changed[at] = words[random.integers(len(words))]
    return changed


def spoilt_stream(random: np.random.Generator, data: bytes) -> bytes:
    """`spoilt`, in one of the program's delegates."""
    program = pte.parse(data)
    delegates = program.main.delegates
    words = EthosU(delegates[random.integers(len(delegates))], program.named_data).stream.words
    sound = words.tobytes()
    at = data.index(sound)
    return data[:at] + spoilt(random, words).astype("<u4").tobytes() + data[at + len(sound) :]


PROGRAMS: tuple[Mutation, ...] = (flipped, truncated, spliced, flipped_outside_the_delegates, spoilt_stream)
"""What can become of a whole program."""
