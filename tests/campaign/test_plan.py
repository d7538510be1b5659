"""Plans: which cells a request comes to, and what is refused."""

import json
from pathlib import Path

import pytest

from tests.conftest import Fvp
from tests.tflite_networks import write
from tui.campaign import plan
from tui.campaign.plan import Excluded, Listed, Request
from tui.errors import UsageError
from tui.toolchain import boards


def cells(request: Request) -> list[tuple[str, str, str, str]]:
    found = plan.cells(request, plan.base(request))
    return [
        (c.spec.model.partition(":")[2], c.spec.quantize, c.spec.target.accelerator, c.spec.target.memory_mode)
        for c in found
    ]


def test_a_matrix_has_a_cell_for_each_combination_with_each_family_s_defaults() -> None:
    request = Request(
        models=("sample:digits", "sample:split"),
        targets=("ethos-u55-128", "ethos-u65", "ethos-u85-256"),
        quantize=("int8", "a16w8"),
    )
    found = cells(request)
    assert len(found) == len(set(found)) == 2 * 2 * (1 + len(boards.ETHOS_U65.accelerators) + 1)
    modes = {accelerator: mode for _, _, accelerator, mode in found}
    for npu in (boards.ETHOS_U55, boards.ETHOS_U65, boards.ETHOS_U85):
        assert {mode for name, mode in modes.items() if name.startswith(npu.accelerator)} == {npu.default_memory_mode}


def test_what_is_excluded_is_left_out_and_what_is_listed_comes_once() -> None:
    request = Request(
        models=("sample:digits",),
        targets=("ethos-u85-128", "ethos-u85-256"),
        quantize=("int8", "a16w8"),
        exclude=(Excluded(model="sample:digits", quantize="a16w8", target="ethos-u85-128"), Excluded()),
        cell=(Listed(model="sample:digits"), Listed(model="sample:split", target="ethos-u55-128")),
    )
    assert cells(request) == [
        ("digits", "int8", "ethos-u85-128", "Sram_Only"),
        ("digits", "int8", "ethos-u85-256", "Sram_Only"),
        ("digits", "a16w8", "ethos-u85-256", "Sram_Only"),
        ("split", "int8", "ethos-u55-128", boards.ETHOS_U55.default_memory_mode),
    ]


def test_a_network_comes_as_it_is_and_is_one_cell_whatever_the_quantizations(fvp_tui: Fvp, tmp_path: Path) -> None:
    network = write(tmp_path)["classifier"]
    command = ("campaign", str(network), "--targets", "ethos-u55-128", "--quantize", "int8,a16w8")
    (cell,) = json.loads(fvp_tui(*command, "--platform", "simulator", "--json").stdout)["cells"]
    assert (cell["status"], cell["quantize"], cell["check"]) == ("ok", "own", "match")


def test_cells_that_get_the_same_graphs_are_together() -> None:
    request = Request(models=("sample:digits",), targets=("ethos-u55-128", "ethos-u85-128", "ethos-u85-256"))
    assert plan.groups(plan.cells(request, plan.base(request))) == [[0], [1, 2]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("models = [", "line 1"),
        ("modles = []", "modles"),
        ('models = ["sample:nothing"]', "unknown model sample:nothing"),
        ('models = ["sample:digits"]\ntargets = ["ethos-u85-257"]', "did you mean ethos-u85-256"),
        ('models = ["sample:digits"]\nquantize = ["int7"]', "int7"),
        ('models = ["sample:digits"]\n[options]\ninferenses = 2', "inferenses"),
        ('models = ["sample:digits"]\n[options]\ninferences = 0', "--inferences must be at least 1"),
        ('models = ["sample:digits"]\nexclude = [{model = "sample:digits"}]', "the campaign has no cells"),
        ('models = ["sample:digits"]\nbaseline = "last"', "no campaign last"),
        ("", "the campaign has no cells"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_before_anything_begins(
    text: str, said: str, tmp_path: Path, fvp_tui: Fvp, home: Path
) -> None:
    file = tmp_path / "all.toml"
    file.write_text(text)
    done = fvp_tui("campaign", str(file))
    assert (done.returncode, said in done.stderr, len(done.stderr.splitlines())) == (2, True, 1), done.stderr
    assert not (home / "campaigns").exists() and not (home / "runs").exists()


def test_models_that_are_files_are_found_from_the_file_s_folder(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("ModelUnderTest = ModelInputs = None\n")
    (tmp_path / "all.toml").write_text('models = ["net.py", "sample:digits"]\n')
    request = plan.read(tmp_path / "all.toml")
    found = plan.cells(request, plan.base(request))
    assert [cell.spec.model for cell in found] == [str(tmp_path / "net.py"), "sample:digits"]
    assert [cell.spec.folder for cell in found] == [str(tmp_path), None]
    assert request.name == "all"


def test_data_are_found_from_the_file_s_folder(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    options = '[options]\ndataset = "images"\ninferences = 3\n'
    (tmp_path / "all.toml").write_text(f'models = ["sample:digits"]\n{options}')
    request = plan.read(tmp_path / "all.toml")
    (cell,) = plan.cells(request, plan.base(request))
    assert (cell.spec.dataset, cell.spec.inferences) == (str(tmp_path / "images"), 3)


def test_a_ready_program_has_nothing_to_estimate(tmp_path: Path) -> None:
    (tmp_path / "net.pte").write_bytes(b"")
    request = Request(models=(str(tmp_path / "net.pte"),), until="estimate")
    with pytest.raises(UsageError, match="is compiled already"):
        plan.cells(request, plan.base(request))
