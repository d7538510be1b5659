"""The shape of JSON as lines of text: each key at each level, and the kinds of its values.

``python -m tests.reports.schema`` writes those of ``run --json`` and of journals anew.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec
from msgspec import inspect

from tui.reports import state_json
from tui.run import events
from tui.run.state import EMPTY, State

NAME = "NAME"
"""The key of a mapping whose keys are names of the platform's or of Vela's."""

Shape = dict[str, set[str]]
"""``inferences[].wall_s`` to the kinds of values that stand there."""


def shape(*values: Any) -> Shape:
    """The shape that some values share."""
    found: Shape = {}
    for value in values:
        for place, kind in _leaves(value):
            found.setdefault(place, set()).add(kind)
    return found


def _leaves(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    match value:
        case dict():
            yield place, "object"
            for key, inner in value.items():
                yield from _leaves(inner, f"{place}.{key}".lstrip("."))
        case list() | tuple():
            yield place, "list"
            for inner in value:
                yield from _leaves(inner, f"{place}[]")
        case None:
            yield place, "null"
        case _:
            yield place, {bool: "bool", int: "integer", float: "number", str: "string"}[type(value)]


def lines(found: Shape) -> list[str]:
    """A shape as text, one place a line."""
    return [f"{place or 'the whole'}: {' or '.join(sorted(kinds))}" for place, kinds in found.items()]


def parse(text: str) -> Shape:
    """A shape from its text."""
    pairs = (line.split(": ") for line in text.splitlines())
    return {"" if place == "the whole" else place: set(kinds.split(" or ")) for place, kinds in pairs}


def deviations(value: Any, frozen: Shape) -> list[str]:
    """Places at which a value is not of a shape: keys it lacks or has beyond, and values of another kind."""
    found = {_named(place, frozen): kinds for place, kinds in shape(value).items()}
    other = [f"{place}: {kinds}" for place, kinds in found.items() if not kinds <= frozen.get(place, set())]
    owners = {place for place, kinds in found.items() if "object" in kinds}
    keys = [place for place in frozen if not place.endswith((f".{NAME}", "[]"))]
    lacking = [place for place in keys if place not in found and place.rpartition(".")[0] in owners]
    return other + [f"{place}: missing" for place in lacking]


def _named(place: str, frozen: Shape) -> str:
    """A place with the keys of a mapping replaced by `NAME`."""
    parent, _, _key = place.rpartition(".")
    return f"{parent}.{NAME}" if f"{parent}.{NAME}" in frozen else place


def run_json() -> Shape:
    """The shape of ``run --json``: of states in which ever less is known, down to the empty one."""
    states = [*(_filled(inspect.type_info(State), levels) for levels in (3, 2, 1, 0)), EMPTY]
    return shape(*(state_json.to_json(state) for state in states))


def events_json() -> Shape:
    """The shape of journals and of ``run --events``: each kind of event by its name."""
    kinds = {event.__struct_config__.tag: inspect.type_info(event) for event in get_args(events.AnyEvent)}
    shown = [
        {tag: msgspec.to_builtins(_filled(kind, levels)) for tag, kind in kinds.items()} for levels in (3, 2, 1, 0)
    ]
    return shape(*shown)


def _filled(kind: inspect.Type, levels: int) -> Any:
    """A value of a type. Containers have one element; what may be None is so below as many `levels` of its like."""
    match kind:
        case inspect.UnionType():
            if kind.includes_none and not levels:
                return None
            return _filled(kind.types[0], levels - kind.includes_none)
        case inspect.StructType():
            return kind.cls(**{field.name: _filled(field.type, levels) for field in kind.fields})
        case inspect.VarTupleType():
            return (_filled(kind.item_type, levels),)
        case inspect.TupleType():
            return tuple(_filled(item, levels) for item in kind.item_types)
        case inspect.DictType():
            return {_filled(kind.key_type, levels): _filled(kind.value_type, levels)}
        case inspect.LiteralType():
            return kind.values[0]
        case inspect.BoolType():
            return False
        case inspect.IntType():
            return 1
        case inspect.FloatType():
            return 0.5
        case inspect.StrType():
            return NAME
    raise TypeError(kind)


RUN_JSON = Path(__file__).parent / "run_json.txt"
EVENTS_JSON = Path(__file__).parent / "events_json.txt"

if __name__ == "__main__":
    for path, found in ((RUN_JSON, run_json()), (EVENTS_JSON, events_json())):
        path.write_text("\n".join([*lines(found), ""]), encoding="utf-8")
