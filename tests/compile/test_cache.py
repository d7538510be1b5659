"""The compile cache: earlier compilations are reused, and nothing else."""

import errno
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import TUI, Fvp, environment
from tui.compile import cache
from tui.run import events, store
from tui.run.events import Event

MODEL = """
import pathlib
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(torch.linspace(-1, 1, 8))

    def forward(self, x):
        return torch.relu(x + self.bias)

ModelUnderTest = Net()
ModelInputs = (torch.linspace(-2, 2, 8).reshape(1, 8),)
"""

Compile = Callable[..., tuple[dict[str, Any], Path]]


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the models: always the same, as its path is in what is said of them."""
    return tmp_path_factory.mktemp("model") / "net.py"


@pytest.fixture
def compile(fvp_tui: Fvp, home: Path, model: Path) -> Compile:
    """Compile a model of this text; the state and the run's artifacts."""

    def run(text: str = MODEL, *options: str) -> tuple[dict[str, Any], Path]:
        model.write_text(text)
        done = fvp_tui("compile", str(model), "--json", *options)
        state = json.loads(done.stdout)
        assert (state["run"]["status"], state["run"]["reason"]) == ("ok", None)
        return state, home / "runs" / state["run"]["id"] / "artifacts"

    return run


@pytest.fixture(scope="session")
def compiled_once(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Path:
    """A data folder in whose cache `MODEL` is."""
    folder = tmp_path_factory.mktemp("compiled")
    model.write_text(MODEL)
    command = [*TUI, "compile", str(model)]
    subprocess.run(command, env=environment(folder), stdin=subprocess.DEVNULL, check=True, timeout=240)
    return folder


@pytest.fixture
def known(compiled_once: Path, home: Path) -> Path:
    """The entry of `MODEL` in the cache."""
    shutil.copytree(compiled_once / "cache", home / "cache")
    (entry,) = (home / "cache" / "compiled").iterdir()
    return entry


def cached(state: dict[str, Any]) -> list[str]:
    return [stage["name"] for stage in state["stages"] if stage["cached"]]


STAGES = ["quantize", "lower", "vela", "emit"]
IGNORED = ("run", "stages", "notes")


def test_what_is_unchanged_is_taken_from_the_cache_and_is_the_same(compile: Compile) -> None:
    (first, made), (second, taken), (third, anew) = compile(), compile(), compile(MODEL, "--no-cache")
    assert [cached(state) for state in (first, second, third)] == [[], STAGES, []]
    for other, folder in ((second, taken), (third, anew)):
        ours = {key: value for key, value in first.items() if key not in IGNORED and key != "spec"}
        theirs = {key: value for key, value in other.items() if key not in IGNORED and key != "spec"}
        for state in (ours, theirs):
            # Logs tell how long it took, and reports of another compilation where and when it was.
            volatile = (".log", ".json", ".xml", ".npz") if other is third else (".log",)
            state["artifacts"] = [a for a in state["artifacts"] if not a["name"].endswith(volatile)]
        assert ours == theirs
        for artifact in ours["artifacts"]:
            path = Path(artifact["path"]).relative_to("artifacts")
            assert (made / path).read_bytes() == (folder / path).read_bytes()


def test_another_data_folder_may_have_the_same_cache(compile: Compile, known: Path) -> None:
    assert cached(compile()[0]) == STAGES


@pytest.mark.parametrize(
    ("change", "options"),
    [
        (("reshape(1, 8)", "reshape(1, 1, 8)"), ()),
        (("torch.relu", "torch.tanh"), ()),
        (("ModelUnderTest = Net()", "ModelUnderTest = Net(); ModelUnderTest.bias.data[0] += 0.5"), ()),
        (("torch.linspace(-2, 2, 8)", "torch.linspace(-2, 3, 8)"), ()),
        # The program is the same, but what is said of it is not: its lines are others.
        (("class Net", "\nclass Net"), ()),
        (("", ""), ("--target", "ethos-u55-128")),
        (("", ""), ("--quantize", "a16w8")),
    ],
)
def test_what_has_changed_is_compiled(
    change: tuple[str, str], options: tuple[str, ...], compile: Compile, known: Path
) -> None:
    state, _ = compile(MODEL.replace(*change), *options)
    assert cached(state) == []


def test_what_code_reads_is_known_by_what_it_makes_of_it(compile: Compile, tmp_path: Path) -> None:
    reading = MODEL + f"\nModelUnderTest.bias.data += float(pathlib.Path({str(tmp_path / 'bias')!r}).read_text())\n"
    (tmp_path / "bias").write_text("0.5")
    compile(reading)
    assert cached(compile(reading)[0]) == STAGES
    (tmp_path / "bias").write_text("0.75")
    assert cached(compile(reading)[0]) == []


def test_a_model_that_was_moved_is_known_and_its_lines_are_where_it_is(
    compile: Compile, known: Path, fvp_tui: Fvp, tmp_path: Path
) -> None:
    (tmp_path / "else where").mkdir()
    moved = tmp_path / "else where" / "net.py"
    moved.write_text(MODEL)
    state = json.loads(fvp_tui("compile", str(moved), "--json").stdout)
    assert cached(state) == STAGES
    lines = {operator["line"] for operator in state["operators"]}
    assert lines and all(line.startswith(f"{moved}:") for line in lines)


def damage_program(entry: Path) -> None:
    data = bytearray((entry / "model.pte").read_bytes())
    data[100] ^= 1
    (entry / "model.pte").write_bytes(data)


def damage_events(entry: Path) -> None:
    file = entry / cache.EVENTS
    file.write_bytes(file.read_bytes().replace(b"total_cycles", b"total_cycels", 1))


def cut_events(entry: Path) -> None:
    file = entry / cache.EVENTS
    file.write_bytes(file.read_bytes()[:200])


def empty_events(entry: Path) -> None:
    (entry / cache.EVENTS).write_bytes(b"")


def lose_file(entry: Path) -> None:
    (entry / "inputs.npz").unlink()


def test_another_layout_is_another_program(compile: Compile) -> None:
    net = """
import torch
ModelUnderTest = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU())
ModelInputs = (torch.linspace(-1, 1, 3 * 144).reshape(1, 3, 12, 12),)
"""
    (plain, _), (last, folder) = compile(net), compile(net, "--channels-last")
    assert cached(last) == []
    # The layout is changed by whoever gives the input, no longer by the NPU.
    assert [o["op"] for o in plain["operators"]] == ["Transpose", "Conv2D", "Transpose"]
    assert [o["op"] for o in last["operators"]] == ["Conv2D"]
    (given,) = json.loads((folder / "io.json").read_text())["inputs"]
    assert given["dim_order"] == [0, 2, 3, 1]


@pytest.mark.parametrize("damage", [damage_program, damage_events, cut_events, empty_events, lose_file])
def test_what_is_damaged_is_compiled_again(damage: Callable[[Path], None], compile: Compile, known: Path) -> None:
    made = (known / "model.pte").read_bytes()
    damage(known)
    state, folder = compile()
    assert cached(state) == []
    assert (folder / "model.pte").read_bytes() == made
    assert cached(compile()[0]) == STAGES


def test_a_cache_that_cannot_be_written_is_noted_and_changes_nothing(compile: Compile, home: Path) -> None:
    home.mkdir(exist_ok=True)
    (home / "cache").write_text("in the way")
    state, _ = compile()
    assert any("not added to the compile cache" in note for note in state["notes"])


@pytest.fixture
def entry(home: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, list[Event]]:
    """Files that a compilation made, and its events."""
    monkeypatch.setenv("FVP_TUI_HOME", str(home))
    folder = home / "run" / "artifacts"
    folder.mkdir(parents=True)
    made: list[Event] = []
    for name in ("model.pte", "vela.csv"):
        (folder / name).write_bytes(name.encode() * 100)
        made.append(events.ArtifactWritten(artifact=store.artifact(home / "run", folder / name)))
    return folder, made


def test_a_disk_that_is_full_half_way_leaves_nothing_behind(
    entry: tuple[Path, list[Event]], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, made = entry
    copied = 0
    copyfile = shutil.copyfile

    def full(source: Path, target: Path) -> Any:
        nonlocal copied
        copied += 1
        if copied == 2:
            target.write_bytes(source.read_bytes()[:10])
            raise OSError(errno.ENOSPC, "No space left on device")
        return copyfile(source, target)

    monkeypatch.setattr(cache.shutil, "copyfile", full)
    with pytest.raises(OSError, match="No space left"):
        cache.keep("key", folder, made, "")
    assert list((home / "cache" / "compiled").iterdir()) == []
    assert cache.restore("key", home / "other", "") is None


def test_two_that_keep_the_same_at_once_leave_one_entry(entry: tuple[Path, list[Event]], home: Path) -> None:
    folder, made = entry
    cache.keep("key", folder, made, "")
    cache.keep("key", folder, made, "")
    assert [path.name for path in (home / "cache" / "compiled").iterdir()] == ["key"]
    assert cache.restore("key", home / "taken", "") == made
    assert (home / "taken" / "vela.csv").read_bytes() == (folder / "vela.csv").read_bytes()


def test_what_was_not_used_for_long_makes_room(
    entry: tuple[Path, list[Event]], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, made = entry
    cache.keep("a", folder, made, "")
    size = sum(file.stat().st_size for file in (home / "cache" / "compiled" / "a").iterdir())
    monkeypatch.setattr(cache, "MOST_BYTES", 2 * size)
    cache.keep("b", folder, made, "")
    cache.restore("a", home / "taken", "")
    cache.keep("c", folder, made, "")
    assert sorted(path.name for path in (home / "cache" / "compiled").iterdir()) == ["a", "c"]


@pytest.mark.parametrize(
    ("model", "before", "after"),
    [
        ("sample:digits", ("ethos-u85-256",), ("ethos-u85-1024", "--memory-mode", "Shared_Sram")),
        ("sample:split", ("ethos-u55-128",), ("ethos-u65-512",)),
    ],
)
def test_for_another_npu_only_vela_runs_and_all_is_as_compiled_from_the_beginning(
    model: str, before: tuple[str, ...], after: tuple[str, ...], fvp_tui: Fvp, home: Path
) -> None:
    def compiled(target: tuple[str, ...], *options: str) -> tuple[dict[str, Any], dict[str, bytes]]:
        done = fvp_tui("compile", model, "--target", *target, "--json", *options)
        state = json.loads(done.stdout)
        assert (state["run"]["status"], state["run"]["reason"]) == ("ok", None)
        folder = home / "runs" / state["run"]["id"] / "artifacts"
        files = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}
        # Logs tell how long it took, and reports of another compilation where and when it was.
        volatile = (".log", ".json", ".xml", ".npz")
        told = {name: b"" if name.endswith(volatile) else file.read_bytes() for name, file in files.items()}
        return state, told

    compiled(before)
    again, files = compiled(after)
    assert cached(again) == ["quantize", "lower"]
    anew, wanted = compiled(after, "--no-cache")
    assert cached(anew) == []
    assert files.keys() == wanted.keys()
    assert [name for name in files if files[name] != wanted[name]] == []
    for key in set(anew) - {"run", "stages", "spec", "artifacts"}:
        assert again[key] == anew[key], key
    # And what was made that way is taken as it is the next time.
    assert cached(compiled(after)[0]) == STAGES


def test_what_vela_refuses_is_refused_of_a_lowered_model_too(fvp_tui: Fvp, compile: Compile) -> None:
    compile()
    (model,) = {run["spec"]["model"] for run in json.loads(fvp_tui("history", "--json").stdout)["runs"]}
    done = fvp_tui("compile", model, "--vela", "5.0.0", "--target", "ethos-u85-512", "--json")
    state = json.loads(done.stdout)
    # Another compiler: nothing that was lowered before is taken.
    assert (state["run"]["status"], cached(state)) == ("ok", [])
