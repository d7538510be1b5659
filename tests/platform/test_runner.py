"""Which kind of runner an ELF file is, and Arm's prebuilt firmware: fetched, checked, kept."""

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Fvp, Ran
from tests.platform import elves
from tui.errors import PlatformUnavailable, UserError
from tui.platform import firmware_store, inspection, runner
from tui.platform.runner import KINDS, Kind
from tui.toolchain.firmware_images import Image


@pytest.fixture
def program(ran: Callable[..., Ran]) -> bytes:
    return (ran("sample:digits").artifacts / "model.pte").read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_told_by_its_texts(kind: Kind, tmp_path: Path, program: bytes) -> None:
    path = elves.write(tmp_path / "runner", kind, program if kind == "embedded" else b"")
    found = inspection.inspect(path)
    assert found.kind == kind
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert found.takes_inputs == (kind in ("semihosting", "mlek"))
    assert found.pte_address == (0x90000000 if kind == "mlek" else 0x70000000)
    inside = found.program or b""
    assert inside.startswith(program) if kind == "embedded" else inside == b""


def test_a_semihosting_runner_with_a_program_inside_still_reads_files(tmp_path: Path, program: bytes) -> None:
    found = inspection.inspect(elves.write(tmp_path / "runner", "semihosting", program))
    assert (found.kind, found.program) == ("semihosting", None)


def test_the_symbol_table_tells_the_sizes_of_pools(tmp_path: Path) -> None:
    objects = {
        "_ZN12_GLOBAL__N_122method_allocation_poolE": 62914560,
        "temp_allocation_pool": 2097152,
        "temp_allocation_pool_size": 4,
        "other": 7,
    }
    found = inspection.inspect(elves.write(tmp_path / "runner", "semihosting", objects=objects))
    assert found.pools == {"method_allocator": 62914560, "temp_allocator": 2097152}
    assert inspection.inspect(elves.write(tmp_path / "bare", "semihosting")).pools == {}
    mlek = inspection.inspect(
        elves.write(tmp_path / "mlek", "mlek", objects={"_ZN3arm3appL13activationBufE": 15000000})
    )
    assert mlek.pools == {"method_allocator": 15000000, "temp_allocator": 32 << 20}


def test_what_is_said_goes_before_what_is_seen(tmp_path: Path) -> None:
    path = elves.write(tmp_path / "runner", "semihosting")
    assert inspection.inspect(path, "address", 0x38000000).pte_address == 0x38000000
    assert inspection.inspect(path, "address").kind == "address"


def test_the_address_is_the_one_the_build_folder_says(tmp_path: Path) -> None:
    path = elves.write(tmp_path / "cmake-out" / "bin" / "runner", "address")
    (tmp_path / "cmake-out" / "CMakeCache.txt").write_text("A:BOOL=1\nET_MODEL_PTE_ADDR:UNINITIALIZED=0x38000000\n")
    assert inspection.inspect(path).pte_address == 0x38000000


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not an ELF file"),
        (b"\x7fELF nothing", "not an ELF file"),
        (elves.elf(b"x", elves.X86_64), "a program for X86_64, not for an Arm Cortex-M"),
        (elves.elf(b"TFLM - %s"), "runs TensorFlow Lite models"),
        (elves.elf(b"blinky"), "not a known ExecuTorch runner"),
        (elves.elf(bytes(4) + b"ET12" + b"\xff" * 64), "not a known ExecuTorch runner"),
    ],
)
def test_what_cannot_run_a_program_is_refused(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "runner"
    path.write_bytes(content)
    with pytest.raises(PlatformUnavailable, match=said):
        inspection.inspect(path)


def test_a_cut_elf_is_refused_in_one_line(tmp_path: Path) -> None:
    whole = elves.write(tmp_path / "runner", "semihosting").read_bytes()
    for at in range(len(whole)):
        (tmp_path / "cut").write_bytes(whole[:at])
        try:
            assert inspection.inspect(tmp_path / "cut").kind == "semihosting"
        except PlatformUnavailable as error:
            assert "\n" not in str(error)


# -- Arm's prebuilt firmware

IMAGE = elves.elf(elves.TEXTS["mlek"])


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Image:
    """An image of ours among those that are known, and a data folder of its own."""
    image = Image("corstone-320-ethos-u85", hashlib.sha256(IMAGE).hexdigest(), "an image of the tests", "Corstone-320")
    monkeypatch.setenv("FVP_TUI_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(firmware_store, "IMAGES", (image,))
    monkeypatch.setitem(runner.KNOWN, image.sha256, image)
    return image


def wheel(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_images_and_licences_are_taken_out_of_a_wheel(known: Image, tmp_path: Path) -> None:
    members = {"a/b/runner.axf": IMAGE, "a/other.axf": b"another", "x.dist-info/licenses/LICENSES/MIT.txt": b"free"}
    kept = firmware_store.install(wheel(tmp_path / "w.whl", members))
    assert kept == [firmware_store.installed(known)]
    assert kept[0].read_bytes() == IMAGE
    assert (firmware_store.folder() / "LICENSES" / "MIT.txt").read_bytes() == b"free"
    assert sorted(p.name for p in firmware_store.folder().iterdir()) == ["LICENSES", kept[0].name]


def test_an_image_itself_will_do(known: Image, tmp_path: Path) -> None:
    (tmp_path / "mine.axf").write_bytes(IMAGE)
    assert firmware_store.install(tmp_path / "mine.axf") == [firmware_store.installed(known)]


@pytest.mark.parametrize("content", [b"", b"not known", IMAGE + b"x", b"PK\x05\x06" + bytes(18)])
def test_what_is_not_known_is_not_installed(content: bytes, known: Image, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(UserError, match="it contains no known firmware image"):
        firmware_store.install(path)
    assert firmware_store.installed(known) is None


def test_list_and_a_missing_file_through_the_command_line(fvp_tui: Fvp, tmp_path: Path) -> None:
    done = fvp_tui("firmware", "install", "--from", str(tmp_path / "none"))
    assert done.returncode == 1
    assert "no file" in done.stderr
    done = fvp_tui("firmware", "list")
    assert done.returncode == 0
    assert "not installed" in done.stdout and "Corstone-320" in done.stdout
