"""``python -m tests.differential.criterion [--graphs N] [--seed S]``: how near random graphs come to what links allow.

Only the links that need no platform: float -> quantized and quantized -> lowered, judged as `fvp-tui run` judges them.
For each kind of quantization it prints how many graphs hold, the nearest that did, and those that a known fault or
nothing known explains. The exit status is 1 where something is unknown: a false alarm, or a fault to be found.
"""

import argparse
import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TextIO

import numpy as np
import torch
from torch.utils import _pytree

from tests.differential import families, links, lowering
from tests.differential.specs import Spec
from tui.compile.links import judging, rounding
from tui.model.tensors import Manifest, NDArray, TensorInfo
from tui.run.check import Link


@dataclass(frozen=True)
class Judged:
    """The links of one graph; `explained` names the known faults of a broken one."""

    spec: Spec
    chain: tuple[Link, Link]
    explained: tuple[str, ...]


def judge(spec: Spec) -> Judged | None:
    """The links of a graph; None where the compiler or the reference model refuses it."""
    try:
        lowered = lowering.lower(spec)
        ends = lowered.outputs()
    except Exception:  # noqa: BLE001 - compilers raise anything of what they refuse
        return None
    with torch.no_grad():
        series = {
            "float": [_arrays(lowered.float_model(*sample)) for sample in lowered.samples],
            "quantized": [_arrays(lowered.quantized(*sample)) for sample in lowered.samples],
            "tosa": ends,
        }
    references = {
        f"{name}_{k}_{j}": array
        for name, outputs in series.items()
        for k, arrays in enumerate(outputs)
        for j, array in enumerate(arrays)
    }
    shapes = [array.shape for array in series["float"][0]]
    infos = [
        TensorInfo(dtype="float32", shape=shape, dim_order=tuple(range(len(shape))), step=step)
        for shape, step in zip(shapes, lowered.steps, strict=True)
    ]
    outputs = rounding.measured(lowered.quantized, lowered.samples, infos)
    manifest = Manifest(inputs=(), outputs=outputs, inferences=1, samples=len(lowered.samples))
    first, second = judging.judge(references, manifest, quantized=True)
    if lowered.changed is not None:
        first = judging.prepared(first, lowered.changed)
    found = links.findings(lowered) if second.status == "mismatch" else []
    known = tuple(" and ".join(finding.faults) for finding in found)
    return Judged(spec, (first, second), known)


def _arrays(values: Any) -> list[NDArray]:
    return [np.asarray(tensor.detach().numpy()) for tensor in _pytree.tree_leaves(values)]


def _share(link: Link) -> float:
    return (link.max_abs_error or 0.0) / link.allowed if link.allowed else 0.0


def report(judged: list[Judged], out: TextIO) -> Iterator[str]:
    """Print the tables; what is not explained by any known fault."""
    by_kind: dict[tuple[str, str], list[tuple[Link, Judged]]] = defaultdict(list)
    for one in judged:
        for link in one.chain:
            by_kind[one.spec.quantization, link.name].append((link, one))
    print(f"{'':7}{'link':11}{'graphs':>7}{'holds':>7}{'exact':>7}{'nearest that holds':>32}", file=out)
    for (kind, name), rows in sorted(by_kind.items()):
        holding = [(link, one) for link, one in rows if link.status == "match"]
        link, one = max(holding, key=lambda row: _share(row[0]))
        near = f"{_share(link):.2f} of what is allowed, --index {one.spec.index}"
        exact = sum(not row.max_abs_error for row, _ in holding)
        print(f"{kind:7}{name:11}{len(rows):7}{len(holding):7}{exact:7}{near:>40}", file=out)
    for (kind, name), rows in sorted(by_kind.items()):
        for link, one in rows:
            if link.status == "mismatch":
                why = ", ".join(one.explained) if name == "lowered" and all(one.explained) else ""
                line = f"{kind} {name} --index {one.spec.index} ({one.spec.family}): {_share(link):.2f} of what is"
                print(f"{line} allowed: {why or 'UNKNOWN'}; {link.reason}", file=out, flush=True)
                if not why:
                    yield line


def main(arguments: list[str]) -> int:
    """Judge graphs until `--graphs` of them could be."""
    parser = argparse.ArgumentParser(prog="python -m tests.differential.criterion")
    parser.add_argument("--graphs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=11)
    options = parser.parse_args(arguments)
    # The compilers and the reference model print; what is ours to print goes around them.
    out = os.fdopen(os.dup(1), "w")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    judged: list[Judged] = []
    index = 0
    with lowering.in_haste():
        while len(judged) < options.graphs:
            if (one := judge(families.spec(options.seed, index))) is not None:
                judged.append(one)
            index += 1
            if index % 50 == 0:
                print(f"{index} graphs made, {len(judged)} judged", file=out, flush=True)
    return 1 if list(report(judged, out)) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
