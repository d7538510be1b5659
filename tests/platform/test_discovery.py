"""Which platform is taken, and why."""

import os
import stat
import sys
from pathlib import Path

import pytest

from tests.platform import elves
from tui import config
from tui.errors import Exit, PlatformUnavailable, UsageError
from tui.platform import discovery, inspection, parameters, selection
from tui.run.spec import Spec
from tui.toolchain import boards

FAKE = Path(__file__).parent / "fake_fvp.py"


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No FVP of this machine's."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("FVP_TUI_FVP", raising=False)
    for name in ("FVP_TUI_RUNNER", "EXECUTORCH_ROOT"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "XDG_CONFIG_HOME", "FVP_TUI_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@pytest.fixture
def fvp(tmp_path: Path) -> Path:
    folder = tmp_path / "fvp" / "models" / "Linux64_GCC-9.3"
    (tmp_path / "fvp" / "python" / "lib").mkdir(parents=True)
    return executable(folder / boards.DEFAULT.fvp.binary, f'#!/bin/sh\nexec {sys.executable} {FAKE} "$@"\n')


@pytest.fixture
def runner(tmp_path: Path) -> Path:
    return elves.write(tmp_path / "arm_executor_runner", "semihosting")


def spec(**options: object) -> Spec:
    return Spec(model="m", **{name: str(value) for name, value in options.items()})  # type: ignore[arg-type]


def test_without_an_fvp_the_simulator_is_taken_and_says_why() -> None:
    choice = selection.choose(spec())
    assert choice.kind == "simulator"
    assert choice.command == (sys.executable, "-m", "tui.simulator", "--as", "FVP_Corstone_SSE-320")
    assert "no FVP_Corstone_SSE-320 was found" in choice.why


def test_auto_takes_the_fvp_when_it_and_a_runner_are_found(fvp: Path, runner: Path) -> None:
    choice = selection.choose(spec(fvp=fvp, runner=runner))
    assert (choice.kind, choice.command) == ("fvp", (str(fvp),))
    assert choice.runner is not None and (choice.runner.path, choice.runner.kind) == (runner, "semihosting")
    assert choice.version == "11.27.25"
    assert "--fvp" in choice.why


def test_an_fvp_without_a_runner_is_not_taken(fvp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FVP_TUI_FVP", str(fvp))
    choice = selection.choose(spec())
    assert choice.kind == "simulator"
    assert "no runner" in choice.why
    with pytest.raises(PlatformUnavailable, match="no runner") as caught:
        selection.choose(spec(platform="fvp"))
    assert caught.value.exit is Exit.NO_PLATFORM
    assert "--runner" in caught.value.hint


def test_the_simulator_is_taken_when_asked_for_whatever_is_there(fvp: Path, runner: Path) -> None:
    assert selection.choose(spec(fvp=fvp, runner=runner, platform="simulator")).kind == "simulator"


def test_option_goes_before_variable_and_variable_before_path(
    fvp: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_path = executable(tmp_path / "bin" / boards.DEFAULT.fvp.binary, "#!/bin/sh\n")
    assert discovery.find_fvp(None) == discovery.Location(on_path, "PATH")
    monkeypatch.setenv("FVP_TUI_FVP", str(fvp))
    assert discovery.find_fvp(None) == discovery.Location(fvp, "FVP_TUI_FVP")
    assert discovery.find_fvp(str(on_path)) == discovery.Location(on_path, "--fvp")
    assert discovery.find_fvp(boards.DEFAULT.fvp.binary) == discovery.Location(on_path, "--fvp")


def test_an_install_folder_will_do(fvp: Path, tmp_path: Path) -> None:
    assert discovery.find_fvp(str(tmp_path / "fvp")) == discovery.Location(fvp, "--fvp")
    with pytest.raises(PlatformUnavailable, match="no FVP_Corstone_SSE-320 in the folder"):
        discovery.find_fvp(str(tmp_path))


def test_an_fvp_of_another_board_is_not_taken_for_this_one_s(
    fvp: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    u55, u65 = boards.CORSTONE_300_U55, boards.CORSTONE_300_U65
    with pytest.raises(PlatformUnavailable, match=r"is the FVP of another board") as caught:
        discovery.find_fvp(str(fvp), u55)
    assert u55.fvp.binary in caught.value.hint
    # What is named once for all targets is for those of its board.
    monkeypatch.setenv("FVP_TUI_FVP", str(fvp))
    assert discovery.find_fvp(None) == discovery.Location(fvp, "FVP_TUI_FVP")
    assert discovery.find_fvp(None, u55) is None
    monkeypatch.setenv("FVP_TUI_FVP", str(tmp_path / "fvp"))
    assert discovery.find_fvp(None, u55) is None
    installed = [executable(tmp_path / "HOME/FVP_Corstone300/models/Linux64" / b.fvp.binary, "") for b in (u55, u65)]
    assert discovery.find_fvp(None, u55) == discovery.Location(installed[0], "its install folder")
    # Both are installed together: either name stands for the folder.
    monkeypatch.setenv("FVP_TUI_FVP", str(installed[0]))
    assert discovery.find_fvp(None, u65) == discovery.Location(installed[1], "FVP_TUI_FVP")


@pytest.mark.parametrize(
    ("cache", "texts", "npus"),
    [
        ("ETHOSU_TARGET_NPU_CONFIG:UNINITIALIZED=ethos-u65-256\n", b"", ("Ethos-U65",)),
        ("ETHOSU_TARGET_NPU_CONFIG:STRING=another-npu\n", b"", ()),
        ("", b"[ETHOSU_PMU_AXI0_RD_DATA_BEAT_RECEIVED, ETHOSU_PMU_NPU_IDLE]", ("Ethos-U55", "Ethos-U65")),
        ("", b"[ETHOSU_PMU_SRAM_RD_DATA_BEAT_RECEIVED, ETHOSU_PMU_NPU_IDLE]", ("Ethos-U85",)),
        ("", b"", ()),
    ],
)
def test_a_runner_tells_which_npus_it_can_be_for(
    cache: str, texts: bytes, npus: tuple[str, ...], fvp: Path, tmp_path: Path
) -> None:
    path = elves.write(tmp_path / "build" / "arm_executor_runner", "semihosting", texts)
    (path.parent / "CMakeCache.txt").write_text(cache)
    assert inspection.inspect(path).npus == npus
    if not npus or "Ethos-U85" in npus:
        assert selection.choose(spec(fvp=fvp, runner=path)).kind == "fvp"
    else:
        # With neither an FVP nor a platform asked for, too: the simulator would hide the slip.
        for named in ({"fvp": fvp}, {}):
            with pytest.raises(PlatformUnavailable, match=f"built for {' or '.join(npus)}, and Corstone-320 has an"):
                selection.choose(spec(runner=path, **named))


@pytest.mark.parametrize(
    ("symbols", "npus"),
    [
        (("ethosu_pmu_desc_u55",), ("Ethos-U55",)),
        (("ethosu_pmu_desc_u65", "another"), ("Ethos-U65",)),
        (
            ("ethosu_pmu_desc_u55", "ethosu_pmu_desc_u65", "ethosu_pmu_desc_u85"),
            ("Ethos-U85", "Ethos-U55", "Ethos-U65"),
        ),
        (("ethosu_pmu_desc_u99",), ("Ethos-U55", "Ethos-U65")),
    ],
)
def test_the_driver_in_a_runner_tells_its_npu(symbols: tuple[str, ...], npus: tuple[str, ...], tmp_path: Path) -> None:
    texts = boards.ETHOS_U55.pmu.sram_reads.encode()
    path = elves.write(tmp_path / "arm_executor_runner", "semihosting", texts, dict.fromkeys(symbols, 8))
    assert inspection.inspect(path).npus == npus


def test_a_link_to_the_fvp_keeps_its_name_wherever_it_is_found(
    fvp: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = tmp_path / "bin" / boards.DEFAULT.fvp.binary
    link.parent.mkdir()
    link.symlink_to(fvp.rename(tmp_path / "wrapper.sh"))
    assert discovery.find_fvp(None) == discovery.Location(link, "PATH")
    assert discovery.find_fvp(str(link)) == discovery.Location(link, "--fvp")
    monkeypatch.setenv("PATH", "")
    settings = config.folder() / config.NAME
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(f'fvp = "{link}"\n')
    assert discovery.find_fvp(None) == discovery.Location(link, config.NAME)
    monkeypatch.setenv("FVP_TUI_FVP", str(link))
    assert discovery.find_fvp(None) == discovery.Location(link, "FVP_TUI_FVP")
    installed = tmp_path / "HOME" / "FVP_Corstone_SSE-320" / "models" / "Linux64" / boards.DEFAULT.fvp.binary
    installed.parent.mkdir(parents=True)
    installed.symlink_to(tmp_path / "wrapper.sh")
    monkeypatch.delenv("FVP_TUI_FVP")
    settings.unlink()
    assert discovery.find_fvp(None) == discovery.Location(installed, "its install folder")


def test_what_is_named_must_be_there(fvp: Path, runner: Path, tmp_path: Path) -> None:
    with pytest.raises(PlatformUnavailable, match="no FVP at"):
        selection.choose(spec(fvp=tmp_path / "none", runner=runner))
    with pytest.raises(PlatformUnavailable, match="no runner at"):
        selection.choose(spec(runner=tmp_path / "none"))
    with pytest.raises(PlatformUnavailable, match="not an ELF file"):
        selection.choose(spec(fvp=fvp, runner=FAKE))
    with pytest.raises(PlatformUnavailable, match="is not executable"):
        selection.choose(spec(fvp=runner, runner=runner))


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            "echo x: error while loading shared libraries: libpython3.9.so.1.0: cannot open; exit 127",
            "libpython3.9.so.1.0",
        ),
        ("echo 'Fatal: license error: none left.'; exit 1", "no licence: none left"),
        ("echo odd; exit 3", "does not start: odd"),
        ("exit 3", "exit status 3"),
    ],
)
def test_an_fvp_that_does_not_start_is_not_taken(
    script: str, said: str, tmp_path: Path, runner: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = executable(tmp_path / "broken", f"#!/bin/sh\n{script}\n")
    with pytest.raises(PlatformUnavailable, match=said):
        selection.choose(spec(platform="fvp", fvp=broken, runner=runner))
    monkeypatch.setenv("FVP_TUI_FVP", str(broken))
    choice = selection.choose(spec(runner=runner))
    assert (choice.kind, said in choice.why) == ("simulator", True)


def test_a_file_for_another_machine_is_named_as_that(tmp_path: Path, runner: Path) -> None:
    alien = executable(tmp_path / "alien", "\x7fELF nothing this kernel knows")
    with pytest.raises(PlatformUnavailable, match="another processor architecture"):
        selection.choose(spec(platform="fvp", fvp=alien, runner=runner))


@pytest.mark.parametrize(
    ("said", "version"),
    [("Fast Models [11.27.42 (Dec  9 2024)]", "11.27.42"), ("Fast Models 11.32+23", "11.32+23"), ("hello", None)],
)
def test_versions_of_all_shapes_are_read(said: str, version: str | None, tmp_path: Path) -> None:
    assert discovery.probe(executable(tmp_path / "v", f"#!/bin/sh\necho '{said}'\n"), os.environ) == version


def test_an_fvp_gets_its_library_and_none_of_our_python(fvp: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(fvp)
    library = str(tmp_path / "fvp" / "python" / "lib")
    base = {"PYTHONHOME": "/a", "PYTHONPATH": "/b", "HOME": "/c"}
    assert discovery.fvp_environment(link, base) == {"HOME": "/c", "LD_LIBRARY_PATH": library}
    both = discovery.fvp_environment(fvp, {"LD_LIBRARY_PATH": "/x"})
    assert both["LD_LIBRARY_PATH"] == f"{library}:/x"


def test_a_parameter_the_platform_does_not_list_is_refused(fvp: Path, runner: Path) -> None:
    choice = selection.choose(spec(fvp=fvp, runner=runner))
    parameters.check(Spec(model="m", parameters=(("a.board.size", "5"),)), choice)
    with pytest.raises(UsageError, match="no parameter a") as caught:
        parameters.check(Spec(model="m", parameters=(("a.board.sizes", "5"),)), choice)
    assert "a.board.size?" in caught.value.hint


def test_a_platform_that_lists_nothing_is_believed(tmp_path: Path, fvp: Path, runner: Path) -> None:
    choice = selection.choose(spec(fvp=fvp, runner=runner))
    fvp.write_text("#!/bin/sh\nexit 1\n")
    parameters.check(Spec(model="m", parameters=(("any", "5"),)), choice)
    assert selection.describe(choice, ["a", "b"]).argv == ("a", "b")
