"""Where runs live: private directories, found by id, prefix, or how long ago."""

import os
import socket
import stat
import time
from pathlib import Path

import psutil
import pytest

from tui.errors import UsageError, UserError
from tui.run import control, events, journal, store
from tui.run.spec import Spec


def finished(model: str = "sample:digits") -> Path:
    directory = store.create(Spec(model=model))
    writer = journal.Journal(directory / journal.FILE)
    writer.write(
        events.RunStarted(id=directory.name, spec=Spec(model=model), pid=os.getpid(), pid_created=0.0, host="elsewhere")
    )
    writer.write(events.RunFinished(status="ok", reason=None))
    writer.close()
    return directory


def test_a_run_is_private_and_named_for_what_it_is(home: Path) -> None:
    directory = store.create(Spec(model="/somewhere/My Model.py"))
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert "-my_model-u85-256-" in directory.name
    assert directory.parent == home / "runs"


def test_runs_are_found_by_id_prefix_and_age(home: Path) -> None:
    made = [finished(f"sample:model_{letter}") for letter in "cab"]
    assert store.ids() == [d.name for d in reversed(made)]
    assert store.resolve("last") == made[-1]
    assert store.resolve("last~2") == made[0]
    assert store.resolve(made[1].name) == made[1]
    assert store.resolve(made[1].name[:-5]) == made[1]


@pytest.mark.parametrize("name", ["last~3", "nothing", "", "2", "last~x", "../x"])
def test_a_name_that_means_no_run_or_several_is_refused(name: str, home: Path) -> None:
    for _ in range(3):
        finished()
    with pytest.raises(UsageError):
        store.resolve(name)


def test_a_snapshot_is_used_only_while_it_fits_the_journal(home: Path) -> None:
    directory = finished()
    store.keep_snapshot(directory)
    assert store.load(directory).run.status == "ok"
    writer = journal.Journal(directory / journal.FILE)
    writer.write(events.Noted(text="added later"))
    writer.close()
    assert store.load(directory).notes == ("added later",)
    (directory / store.SNAPSHOT).write_text("{ damaged")
    assert store.load(directory).notes == ("added later",)


def test_a_run_whose_process_is_gone_is_lost(home: Path) -> None:
    directory = store.create(Spec(model="sample:digits"))
    writer = journal.Journal(directory / journal.FILE)
    writer.write(
        events.RunStarted(
            id=directory.name, spec=Spec(model="m"), pid=2**22 - 1, pid_created=1.0, host=socket.gethostname()
        )
    )
    writer.close()
    assert store.load(directory).run.status == "lost"
    store.remove(directory)
    assert not directory.exists()


@pytest.mark.parametrize(("moved", "status"), [(0.0, "running"), (1.0, "running"), (-2.0, "running"), (900.0, "lost")])
def test_a_corrected_clock_does_not_make_a_run_lost(home: Path, moved: float, status: str) -> None:
    directory = store.create(Spec(model="sample:digits"))
    created = psutil.Process().create_time() + moved
    writer = journal.Journal(directory / journal.FILE)
    writer.write(
        events.RunStarted(
            id=directory.name, spec=Spec(model="m"), pid=os.getpid(), pid_created=created, host=socket.gethostname()
        )
    )
    writer.close()
    assert store.load(directory).run.status == status


def test_a_run_without_an_event_is_running_while_its_process_holds_the_lock_and_then_lost(home: Path) -> None:
    directory, lock = store.create_locked(Spec(model="sample:digits"))
    begun = store.load(directory)
    assert (begun.run.status, begun.run.id) == ("running", directory.name)
    os.close(lock)
    found = store.load(directory)
    assert (found.run.status, found.run.seconds) == ("lost", None)
    assert found.spec == Spec(model="sample:digits")
    assert found.run.created == begun.run.created == (directory / store.SPEC).stat().st_mtime
    (directory / store.SPEC).unlink()
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(store.load(directory).run.created))
    assert directory.name.startswith(stamp)


def test_a_run_of_another_machine_is_over_when_it_takes_no_commands(home: Path) -> None:
    directory = store.create(Spec(model="sample:digits"))
    writer = journal.Journal(directory / journal.FILE)
    writer.write(events.RunStarted(id="x", spec=Spec(model="m"), pid=os.getpid(), pid_created=0.0, host="elsewhere"))
    writer.close()
    (directory / store.CONTROL).write_text("/there/s")
    assert store.load(directory).run.status == "running"
    with pytest.raises(UserError, match=r"does not answer \(it runs on elsewhere"):
        control.stop(directory)
    (directory / store.CONTROL).unlink()
    assert store.load(directory).run.status == "lost"


def test_what_is_left_of_a_run_that_never_came_to_be_is_no_run_and_is_removed(home: Path) -> None:
    finished()
    left = home / "runs" / f"{store.NEW}abc"
    left.mkdir()
    assert len(store.ids()) == 1
    store.sweep()
    assert left.exists()
    os.utime(left, (1, 1))
    store.sweep()
    assert not left.exists()


def test_a_folder_that_cannot_be_written_is_a_usage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FVP_TUI_HOME", str(tmp_path / "file"))
    with pytest.raises(UsageError, match="cannot write"):
        store.create(Spec(model="sample:digits"))
