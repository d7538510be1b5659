"""A .tflite may come from anywhere: whatever its bytes, it gives a result, one line, or can be stopped."""

import multiprocessing
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.fuzz import network_worker
from tests.fuzz.network_worker import Sound
from tui.model.pte import PteError
from tui.model.tflite import reader

FILES = 300


@pytest.fixture(scope="module")
def sound() -> Sound:
    with tempfile.TemporaryDirectory() as place:
        return network_worker.sound(Path(place))


def test_damaged_networks_never_break_reader_vela_or_simulator(sound: Sound, tmp_path: Path) -> None:
    # In a process of its own: it changes what signals do.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn, _set_up, (sound,)) as pool:
        outcomes = list(pool.map(_fuzzed, [(number, str(tmp_path)) for number in range(FILES)]))
    ends = Counter(outcome.end for outcome in outcomes)
    assert not [outcome.detail for outcome in outcomes if outcome.end == "traceback"]
    assert ends["ok"] > FILES / 20 and ends["UserError"] + ends["TfliteError"] > FILES / 4
    assert ends["stopped"] <= 3
    sizes = [outcome.resident_kib for outcome in outcomes]
    assert sizes[-1] - sizes[FILES // 3] < 64 << 10


def _set_up(sound: Sound) -> None:
    global _work
    _work = sound
    network_worker.prepare(sound, 3)


_work: Sound


def _fuzzed(job: tuple[int, str]) -> network_worker.Outcome:
    number, place = job
    return network_worker.fuzzed(_work, 3, Path(place), number)


def test_counts_and_shapes_beyond_any_file_are_refused_at_once(sound: Sound) -> None:
    random, refused = np.random.default_rng(1), 0
    for data in sound.made:
        for _ in range(200):
            damaged = bytearray(data)
            at = int(random.integers(8, len(data) - 4))
            damaged[at : at + 4] = (0x7FFFFFFF).to_bytes(4, "little")
            try:
                reader.read(bytes(damaged))
            except PteError as error:
                refused += 1
                assert len(str(error).splitlines()) == 1 and len(str(error)) < 300
    assert refused > 100
