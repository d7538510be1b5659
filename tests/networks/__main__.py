"""``python -m tests.networks [--set shapes|samples|all] [--quantize int8] [MODEL...]``: networks, by outcome.

Each model goes through ``fvp-tui run`` on the simulator, with int8 and with 16-bit activations; the table says what
came of it, link by link. The exit status is 1 where a run has another outcome than `expected`, or does not explain it.
"""

import argparse
import dataclasses
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.models import ALL
from tests.networks import expected, rows, table
from tests.networks.rows import Row

SHAPES = sorted((Path(__file__).parent / "shapes").glob("*.py"))
OPERATORS = (
    "executorch:add",
    "executorch:add_mul",
    "executorch:conv1d",
    "executorch:linear",
    "executorch:lstm",
    "executorch:mul",
    "executorch:sdpa",
    "executorch:softmax",
)
"""Small models in the ExecuTorch package that need no other package."""

SETS = {
    "shapes": {path.stem: str(path) for path in SHAPES},
    "samples": {model: model for model in (*ALL, *OPERATORS)},
}
"""Sets of models: how `run` takes them, by the names they have in the table."""

QUANTIZATIONS = ("int8", "a16w8")


def surprise(row: Row) -> str | None:
    """The difference between a row and its expected outcome; None where there is none."""
    wanted = expected.outcome(row.model, row.quantize)
    if row.outcome != wanted:
        return f"{row.model} {row.quantize}: {row.outcome}, not {wanted}"
    if not row.explained:
        return f"{row.model} {row.quantize}: {row.outcome}, without a reason or a next step"
    return None


def main(arguments: list[str]) -> int:
    """Print a line for each run as it ends, then the details of all."""
    parser = argparse.ArgumentParser(prog="python -m tests.networks")
    parser.add_argument("models", nargs="*", metavar="MODEL", help="models in place of a set, or some of it")
    parser.add_argument("--set", choices=(*SETS, "all"), default="shapes")
    parser.add_argument("--quantize", choices=(*QUANTIZATIONS, "none"), action="append", help="[int8 and a16w8]")
    parser.add_argument("--home", type=Path, help="keep the runs in this data folder")
    parser.add_argument("--json", type=Path, help="write the rows to this file, too")
    options = parser.parse_args(arguments)
    known = {name: model for names in SETS.values() for name, model in names.items()}
    names = options.models or (known if options.set == "all" else SETS[options.set])
    done: list[Row] = []
    print(table.HEAD, flush=True)
    with tempfile.TemporaryDirectory() as place:
        for name in names:
            for quantize in options.quantize or QUANTIZATIONS:
                found = rows.run(known.get(name, name), quantize, options.home or Path(place))
                done.append(dataclasses.replace(found, model=name))
                print(table.line(done[-1]), flush=True)
    print(f"\n{table.details(done)}\n")
    outcomes = Counter(row.outcome for row in done)
    counts = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
    print(f"{len(done)} runs: {counts}; {sum(row.seconds for row in done):.0f} s")
    if options.json:
        options.json.write_text(json.dumps([dataclasses.asdict(row) for row in done], indent=1), "utf-8")
    surprises = [text for row in done if (text := surprise(row))]
    for text in surprises:
        print(f"UNEXPECTED {text}")
    return 1 if surprises else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
