"""``python -m tests.fuzz.networks [--files N] [--seed S] [--number K]``: damaged .tflite files, counted by end.

Every other file is damaged before Vela compiles it, and goes the whole way: reader, Vela, simulator, LiteRT. The others
are damaged after, and go to the simulator. Vela and LiteRT may crash or hang on them: they are in processes of their
own, as in a run. A file that ends otherwise in anything but its result or one line is a failure, and so is one that
leaves the reader or the simulator larger than it was.
"""

import argparse
import functools
import sys
import tempfile
from pathlib import Path

from tests.fuzz import network_worker, series

HANGS_S = 120
"""Without an answer for so long, on a busy machine, too: the limits of a process did not end it."""


def main(arguments: list[str]) -> int:
    """The exit status is 1 where there was a traceback, a hang, a crash, or growth of memory."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.networks")
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--number", type=int, help="only the file of that number")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as place:
        sound = network_worker.sound(Path(place))
    numbers = range(options.files) if options.number is None else [options.number]
    prepare = functools.partial(network_worker.prepare, sound, options.seed)
    return series.run(prepare, numbers, f"--seed {options.seed}", HANGS_S, network_worker.PATIENCE_S)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
