"""A worker's life with damaged .tflite files: it takes them the way a run does, and says how each ended."""

import functools
import os
import resource
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests import tflite_networks
from tests.fuzz import worker
from tests.fuzz.worker import Outcome, resident_kib
from tests.simulator.damage import Mutation, flipped, spliced, spoilt, truncated
from tui.compile import network, network_refs
from tui.errors import UserError
from tui.model import programs
from tui.model.tflite import reader
from tui.run import store
from tui.simulator import interpreter
from tui.simulator.delegate import EthosU
from tui.simulator.interpreter import Method
from tui.toolchain.target import on_board_of

PATIENCE_S = 5.0
"""After that a file is given up, as the limits of a run give it up."""

CHILD_S = 3
"""Seconds of a core that Vela may take."""

MEMORY = 2 << 30
TARGET = on_board_of("ethos-u55-128")
OWN = (UserError, *worker.OWN)


@dataclass(frozen=True)
class Sound:
    """Networks before they are damaged: as they were made, and as Vela compiled them."""

    made: tuple[bytes, ...]
    compiled: tuple[bytes, ...]


def sound(place: Path) -> Sound:
    """Make the networks, and compile them."""
    made = [make() for make in tflite_networks.NETWORKS.values()]
    return Sound(tuple(made), tuple(_compiled(data, place) for data in made))


def _compiled(data: bytes, place: Path) -> bytes:
    source = place / f"{network.NAME}.tflite"
    source.write_bytes(data)
    network._network(source)
    network._run_vela(source, TARGET, place)
    return (place / store.COMPILED).read_bytes()


def flipped_outside_the_data(random: np.random.Generator, data: bytes) -> bytes:
    """Some bytes changed that are no weights: the structure is a small part of the file."""
    places = np.ones(len(data), np.bool_)
    for tensor in reader.read(data).tensors:
        if tensor.data is not None and (at := data.find(bytes(tensor.data))) >= 0:
            places[at : at + tensor.nbytes] = False
    changed = bytearray(data)
    for at in random.choice(np.flatnonzero(places), random.choice([1, 1, 2, 3])):
        changed[at] = random.choice([0, 1, 0x7F, 0x80, 0xFF, int(random.integers(256))])
    return bytes(changed)


def spoilt_stream(random: np.random.Generator, data: bytes) -> bytes:
    """Some command words changed, if it has any."""
    delegates = programs.parse(data).main.delegates
    if not delegates:
        return flipped(random, data)
    words = EthosU(delegates[random.integers(len(delegates))], {}).stream.words
    at = data.index(words.tobytes())
    return data[:at] + spoilt(random, words).astype("<u4").tobytes() + data[at + words.nbytes :]


BEFORE: tuple[Mutation, ...] = (flipped, truncated, spliced, flipped_outside_the_data)
AFTER: tuple[Mutation, ...] = (*BEFORE, spoilt_stream)


def _simulate(data: bytes) -> None:
    method = Method(programs.parse(data, TARGET))
    method.execute()


def _within_patience(work: Callable[[], object]) -> tuple[str, str]:
    return worker.ending(work, OWN, PATIENCE_S)


def _in_child(work: Callable[[], object]) -> tuple[str, str]:
    """How some work ends in a process of its own, where it may crash."""
    sys.stdout.flush()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (CHILD_S, CHILD_S + 1))
        end, detail = _within_patience(work)
        os.write(write, f"{end}\n{detail}".encode()[:60_000])
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read().decode(errors="replace")
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        number = signal.Signals(os.WTERMSIG(status))
        return ("too long", "") if number == signal.SIGXCPU else ("crash of its own", "")
    end, _, detail = said.partition("\n")
    return end, detail


def _whole_way(data: bytes, place: Path) -> tuple[str, str]:
    """A file as a run takes it: read, compiled in a process of its own, simulated; and LiteRT in another."""
    source = place / f"{network.NAME}.tflite"
    source.write_bytes(data)
    (place / store.COMPILED).unlink(missing_ok=True)
    end, detail = _within_patience(lambda: network._network(source))
    if end != "ok":
        return end, detail
    end, detail = _in_child(lambda: network._run_vela(source, TARGET, place))
    if end != "ok":
        return (end, detail) if end == "traceback" else (f"Vela: {end}", "")
    compiled = (place / store.COMPILED).read_bytes()
    end, detail = _in_child(lambda: list(network_refs._litert(source, [_zeros(source)])))
    if end == "traceback" and "Unavailable" not in detail:
        return end, detail
    return _within_patience(lambda: _simulate(compiled))


def _zeros(source: Path) -> list["np.ndarray[tuple[int, ...], np.dtype[np.int8]]"]:
    net = reader.read(source.read_bytes())
    return [np.zeros(net.tensors[at].shape, net.tensors[at].dtype) for at in net.inputs]


def fuzzed(networks: Sound, seed: int, place: Path, number: int) -> Outcome:
    """Damage a network, and take it its way."""
    random = np.random.default_rng((seed, number))
    before = number % 2 == 0
    mutations, files = (BEFORE, networks.made) if before else (AFTER, networks.compiled)
    mutate = mutations[number // 2 % len(mutations)]
    data = mutate(random, files[random.integers(len(files))])
    begun = time.monotonic()
    end, detail = _whole_way(data, place) if before else _within_patience(lambda: _simulate(data))
    name = f"{'made' if before else 'compiled'}: {mutate.__name__.replace('_', ' ')}"
    return Outcome(name[:31], end, time.monotonic() - begun, resident_kib(), detail)


def prepare(networks: Sound, seed: int) -> Callable[[int], Outcome]:
    """Set up this process for what it does from now on."""
    import ai_edge_litert.interpreter  # noqa: F401
    from ethosu.vela import vela  # noqa: F401 - once, for all children

    signal.signal(signal.SIGALRM, worker.stop)
    interpreter.INSTRUCTION_LIMIT = worker.INSTRUCTIONS
    # A warning would reach the user's terminal.
    warnings.simplefilter("error")
    place = Path(tempfile.mkdtemp())
    return functools.partial(fuzzed, networks, seed, place)
