"""The published JSON Schemas are those of the types, and all that commands print is valid by them.

They are a contract: a key that is lost, or a value of another kind, breaks somebody's script.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import click
import jsonschema
import msgspec
import pytest
from msgspec import inspect

from tests.conftest import TUI, Fvp, Ran, environment
from tests.reports import json_schemas
from tui.cli.main import cli
from tui.reports import state_json
from tui.run import events
from tui.run.state import EMPTY, LIVE, State

COMMANDS: dict[str, tuple[str, ...]] = {
    "": ("versions",),
    "advise": ("advise",),
    "attach": ("state",),
    "campaign": ("campaign", "campaigns"),
    "compare": ("compare",),
    "compile": ("state",),
    "doctor": ("doctor",),
    "firmware list": ("firmware",),
    "history": ("history",),
    "infer": ("infer",),
    "models": ("models",),
    "params": ("params", "presets"),
    "read": ("state", "history"),
    "run": ("state",),
    "show": ("state",),
    "sweep": ("sweep",),
}
"""Each command that has --json, and the schemas of what it prints."""

RUN = "RUN"
PRINTING: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("versions", ("--version", "--json")),
    ("state", ("show", RUN, "--json")),
    ("state", ("attach", RUN, "--json")),
    ("state", ("export", RUN, "--format", "json")),
    ("state", ("compile", "sample:digits", "--json")),
    ("history", ("history", "--json")),
    ("compare", ("compare", RUN, RUN, "--json")),
    ("advise", ("advise", RUN, "--json")),
    ("sweep", ("sweep", RUN, "--targets", "ethos-u85-128,ethos-u85-256", "--memory-modes", "Sram_Only", "--json")),
    ("models", ("models", "--json")),
    ("doctor", ("doctor", "--json")),
    ("params", ("params", "ethosu", "--platform", "simulator", "--json")),
    ("presets", ("params", "--presets", "--json")),
    ("firmware", ("firmware", "list", "--json")),
)


def strict(name: str) -> dict[str, Any]:
    """A published schema that also refuses keys it does not know."""
    schema = json.loads((json_schemas.FOLDER / f"{name}.schema.json").read_text(encoding="utf-8"))
    for part in schema.get("$defs", {}).values():
        if "properties" in part:
            part["additionalProperties"] = False
    return dict(schema)


def validate(value: Any, name: str) -> None:
    jsonschema.Draft202012Validator(strict(name)).validate(value)


def with_json(command: click.Command, path: str = "") -> Iterator[str]:
    """The commands below one that have --json, by their words."""
    if any("--json" in parameter.opts for parameter in command.params):
        yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from with_json(inner, f"{path} {name}".strip())


@pytest.mark.parametrize("name", json_schemas.PRINTED)
def test_the_published_one_is_that_of_the_type(name: str) -> None:
    published = (json_schemas.FOLDER / f"{name}.schema.json").read_text(encoding="utf-8")
    assert published == json_schemas.text(name), "python -m tests.reports.json_schemas"
    jsonschema.Draft202012Validator.check_schema(json.loads(published))


def test_every_command_with_json_has_a_schema() -> None:
    assert set(with_json(cli)) == set(COMMANDS)
    named = {name for names in COMMANDS.values() for name in names}
    files = {file.name.removesuffix(".schema.json") for file in json_schemas.FOLDER.iterdir()}
    assert named | {json_schemas.JOURNAL} == set(json_schemas.PRINTED) == files


def said(shared: Path, *arguments: str) -> str:
    done = subprocess.run(
        [*TUI, *arguments],
        env=environment(shared / "home"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.stdout, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("name", "arguments"), PRINTING, ids=lambda value: value[0] if isinstance(value, tuple) else ""
)
def test_a_command_prints_what_its_schema_says(
    name: str, arguments: tuple[str, ...], ran: Callable[..., Ran], shared: Path
) -> None:
    run = ran("sample:digits").directory.name
    validate(json.loads(said(shared, *(run if word == RUN else word for word in arguments))), name)


def test_a_run_prints_what_its_schema_says_and_so_does_its_journal(ran: Callable[..., Ran]) -> None:
    run = ran("sample:digits")
    validate(run.state, "state")
    lines = (run.directory / "events.jsonl").read_bytes().splitlines()
    journal = jsonschema.Draft202012Validator(strict(json_schemas.JOURNAL))
    # As `run --events` prints it; the file has room at its end for the last words of a full disk.
    for line in filter(None, (line.strip(b"\0 ") for line in lines)):
        journal.validate(json.loads(line))


def test_a_log_that_is_read_prints_what_its_schema_says(ran: Callable[..., Ran], fvp_tui: Fvp) -> None:
    console = ran("sample:digits").directory / "console.log"
    validate(json.loads(fvp_tui("read", str(console), "--json").stdout), "state")
    validate(json.loads(fvp_tui("read", str(console.parent), "--json").stdout), "history")


def test_a_failed_run_prints_what_its_schema_says(fvp_tui: Fvp, tmp_path: Path) -> None:
    program = tmp_path / "damaged.pte"
    program.write_bytes(b"no program")
    found = json.loads(fvp_tui("run", str(program), "--json").stdout)
    assert found["run"]["status"] == "failed"
    validate(found, "state")


def test_an_inference_of_a_served_run_is_printed_as_its_schema_says(ran: Callable[..., Ran], shared: Path) -> None:
    ran("sample:digits")  # whose program is taken from the cache
    run = said(shared, "run", "sample:digits", "--serve", "--detach").strip()
    try:
        validate(json.loads(said(shared, "infer", run, "--json")), "infer")
    finally:
        subprocess.run([*TUI, "stop", run], env=environment(shared / "home"), check=True)


def test_a_campaign_prints_what_its_schema_says(fvp_tui: Fvp, tmp_path: Path) -> None:
    command = ("campaign", "sample:digits", "--targets", "ethos-u55-128,ethos-u85-128", "--platform", "simulator")
    done = fvp_tui(*command, "--inferences", "4", "--report", str(tmp_path / "report"), "--json")
    for text in (done.stdout, (tmp_path / "report" / "campaign.json").read_text(encoding="utf-8")):
        found = json.loads(text)
        validate(found, "campaign")
        assert all(cell["confusion"] is not None for cell in found["cells"])
        del found["cells"][0]["status"]
        with pytest.raises(jsonschema.ValidationError, match="status"):
            validate(found, "campaign")
    validate(json.loads(fvp_tui("campaign", "--list", "--json").stdout), "campaigns")


def test_every_field_of_a_state_is_printed_but_those_named_as_live() -> None:
    assert set(State.__struct_fields__) > LIVE
    derived = {"schema_version", "spread"}
    assert set(State.__struct_fields__) - LIVE == state_json.to_json(EMPTY).keys() - derived


@pytest.mark.parametrize("levels", [3, 2, 1, 0])
def test_whatever_is_known_of_a_run_its_schema_has_a_place_for_it(levels: int) -> None:
    for state in (EMPTY, filled(inspect.type_info(State), levels)):
        validate(json.loads(msgspec.json.encode(state_json.to_json(state))), "state")
    for event in get_args(events.AnyEvent):
        validate(json.loads(events.encode(filled(inspect.type_info(event), levels))), json_schemas.JOURNAL)


def filled(kind: inspect.Type, levels: int) -> Any:
    """A value of a type. Containers have one element; what may be None is so below as many `levels` of its like."""
    match kind:
        case inspect.UnionType():
            if kind.includes_none and not levels:
                return None
            return filled(kind.types[0], levels - kind.includes_none)
        case inspect.StructType():
            return kind.cls(**{field.name: filled(field.type, levels) for field in kind.fields})
        case inspect.VarTupleType():
            return (filled(kind.item_type, levels),)
        case inspect.TupleType():
            return tuple(filled(item, levels) for item in kind.item_types)
        case inspect.DictType():
            return {filled(kind.key_type, levels): filled(kind.value_type, levels)}
        case inspect.LiteralType():
            return kind.values[0]
        case inspect.BoolType():
            return False
        case inspect.IntType():
            return 1
        case inspect.FloatType():
            return 0.5
        case inspect.StrType():
            return "NAME"
    raise TypeError(kind)


def test_a_journal_of_an_earlier_version_is_valid() -> None:
    """Keys that came later are none that a line must have."""
    started = {"event": "run_started", "id": "a", "spec": {"model": "m.py"}, "pid": 1, "pid_created": 0.0, "host": "h"}
    validate(started, json_schemas.JOURNAL)
    assert isinstance(events.decode(json.dumps(started).encode()), events.RunStarted)
    assert msgspec.json.decode(json.dumps(started), type=events.AnyEvent)
