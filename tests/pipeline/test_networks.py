"""A .tflite and a .tosa as models: Vela, the simulator, and a reference of their own."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from tests import tflite_networks
from tests.conftest import Fvp, Ran, environment
from tests.tflite_networks import Network
from tui.run import store

RanModel = Callable[..., Ran]


@pytest.fixture
def networks(tmp_path: Path) -> dict[str, Path]:
    return tflite_networks.write(tmp_path)


def state(fvp_tui: Fvp, *arguments: str, **options: Any) -> dict[str, Any]:
    done = fvp_tui("run", *arguments, "--json", **options)
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def without(home: Path, tmp_path: Path, *packages: str) -> dict[str, str]:
    """An environment in which packages cannot be imported."""
    hidden = tmp_path / "hidden"
    for package in packages:
        (hidden / package).mkdir(parents=True)
        (hidden / package / "__init__.py").write_text("raise ImportError('hidden by a test')\n")
    found = environment(home)
    return {**found, "PYTHONPATH": os.pathsep.join([str(hidden), found["PYTHONPATH"]])}


def test_a_tflite_is_an_ordinary_run_with_stages_figures_placement_and_check(
    fvp_tui: Fvp, networks: dict[str, Path]
) -> None:
    found = state(fvp_tui, str(networks["classifier"]), "--target", "ethos-u55-128", "--inferences", "3")
    assert found["run"]["status"] == "ok"
    assert [stage["name"] for stage in found["stages"]] == ["vela", "boot", "infer", "check"]
    assert all(stage["status"] == "ok" for stage in found["stages"])
    check = found["check"]
    assert (check["status"], check["reference"]) == ("match", "litert")
    assert check["outputs"][0]["max_abs_error"] < 1e-6
    assert len(found["inferences"]) == 3 and found["inferences"][0]["npu_cycles"] > 0
    assert found["estimate"]["source"] == "vela" and found["estimate"]["sram_kib"] > 0
    names = {operator["name"]: operator for operator in found["operators"] if operator["fused_into"] is None}
    assert {"stem", "spread", "mix", "join", "classify"} <= names.keys()
    assert names["stem"]["npu_commands"] and names["stem"]["macs"] == 8 * 8 * 8 * 27
    assert names["stem"]["traced_cycles"] > 0
    delegation = found["delegation"]
    assert (delegation["delegated_nodes"], delegation["non_delegated_nodes"]) == (6, 2)
    softmax = next(left for left in delegation["left"] if left["op"] == "tflite.SOFTMAX")
    assert softmax["node"] == "probabilities" and "unsupported DataType Float32" in softmax["reason"]
    assert found["versions"]["torch"] is None and found["versions"]["vela"]


def test_its_exports_have_its_own_stages_and_its_flow_of_data(
    fvp_tui: Fvp, networks: dict[str, Path], tmp_path: Path
) -> None:
    run = state(fvp_tui, str(networks["split"]), "--target", "ethos-u55-128")["run"]["id"]
    (stages, *_) = ElementTree.fromstring(fvp_tui("export", run, "--format", "junit").stdout)
    assert [case.get("name") for case in stages] == ["vela", "boot", "infer", "check"]
    graph = tmp_path / "split.graph.json"
    assert fvp_tui("export", run, "--format", "model-explorer", "-o", str(graph)).returncode == 0
    (drawn,) = json.loads(graph.read_text(encoding="utf-8"))["graphs"]
    joined = {edge["sourceNodeId"] for node in drawn["nodes"] for edge in node["incomingEdges"]}
    # All but the program's outputs give to somebody.
    assert joined == {node["id"] for node in drawn["nodes"]} - {"GraphOutputs"}


def test_it_needs_no_torch_no_executorch_and_no_litert_and_then_certifies_nothing(
    home: Path, fvp_tui: Fvp, networks: dict[str, Path], tmp_path: Path
) -> None:
    light = without(home, tmp_path, "torch", "executorch", "ai_edge_litert", "tosa", "tosa_reference_model")
    found = json.loads(_run(light, "run", str(networks["split"]), "--json").stdout)
    assert (found["run"]["status"], found["check"]["status"]) == ("ok", "skipped")
    assert "pip install 'fvp-tui[tflite]'" in found["check"]["reason"]
    assert found["inferences"][0]["npu_cycles"] > 0
    asked = _run(light, "run", str(networks["split"]), "--require-match")
    assert asked.returncode == 3 and "no outputs were compared" in asked.stderr + asked.stdout


def _run(env: dict[str, str], *arguments: str) -> Any:
    import subprocess

    from tests.conftest import TUI

    return subprocess.run([*TUI, *arguments], env=env, capture_output=True, text=True, timeout=240, check=False)


def test_what_the_simulator_does_not_know_is_said_by_name(fvp_tui: Fvp, networks: dict[str, Path]) -> None:
    done = fvp_tui("run", str(networks["unknown"]))
    assert done.returncode == 1
    assert "the simulator has no kernel for tflite::SecretSauce" in done.stdout
    assert "tflite.SecretSauce on the CPU: Unsupported opType" in done.stdout


def test_a_wrong_output_is_a_mismatch(fvp_tui: Fvp, networks: dict[str, Path], home: Path) -> None:
    # Another network in the place of the one that was compiled is what no check may let pass.
    assert state(fvp_tui, str(networks["split"]))["check"]["status"] == "match"
    artifacts = next((home / "runs").iterdir()) / store.ARTIFACTS
    from tui.model import tensors
    from tui.pipeline import check

    manifest = tensors.read_manifest(artifacts)
    with np.load(artifacts / "outputs.npz") as outputs:
        given = outputs["0_0"].copy()
    assert check.compare(artifacts, manifest, [0], [[given.tobytes()]]).status == "match"
    given[5] ^= 1
    found = check.compare(artifacts, manifest, [0], [[given.tobytes()]])
    assert (found.status, found.outputs[0].max_abs_error, found.outputs[0].tolerance) == ("mismatch", 1.0, 0.0)


def test_inputs_come_from_files_data_sets_and_seeds(fvp_tui: Fvp, networks: dict[str, Path], tmp_path: Path) -> None:
    floats = np.linspace(-2, 2, 8 * 8 * 8, dtype=np.float32).reshape(1, 8, 8, 8)
    integers = np.clip(np.rint(floats / np.float32(0.02)) - 3, -128, 127).astype(np.int8)
    np.save(tmp_path / "floats.npy", floats)
    integers.tofile(tmp_path / "raw.bin")
    outputs = []
    for name in ("floats.npy", "raw.bin"):
        found = state(fvp_tui, str(networks["split"]), "--input", str(tmp_path / name))
        assert found["check"]["status"] == "match"
        outputs.append(next(a["sha256"] for a in found["artifacts"] if a["name"] == "inputs.npz"))
    assert outputs[0] == outputs[1], "floats are quantized as the network's input is"
    np.savez(tmp_path / "set.npz", inputs=np.stack([integers[0], -integers[0]]))
    found = state(fvp_tui, str(networks["split"]), "--dataset", str(tmp_path / "set.npz"))
    assert len(found["inferences"]) == 2 and found["check"]["status"] == "match"
    wrong = fvp_tui("run", str(networks["split"]), "--input", str(networks["floats"]))
    assert wrong.returncode == 2 and "the program takes 512 (int8 (1, 8, 8, 8))" in wrong.stdout + wrong.stderr


def test_no_other_platform_takes_it(fvp_tui: Fvp, networks: dict[str, Path]) -> None:
    for option in (["--platform", "fvp"], ["--engine", "firmware"]):
        done = fvp_tui("run", str(networks["split"]), *option)
        assert done.returncode == 4 and ".tflite" in done.stdout + done.stderr


def test_bad_files_are_refused_in_one_line(fvp_tui: Fvp, networks: dict[str, Path], tmp_path: Path) -> None:
    whole = networks["split"].read_bytes()
    for name, data in (("cut.tflite", whole[:500]), ("text.tflite", b"hello, world"), ("text.tosa", b"hello, world")):
        (tmp_path / name).write_bytes(data)
        done = fvp_tui("run", str(tmp_path / name))
        assert done.returncode == 1
        assert "Traceback" not in done.stdout + done.stderr and name in done.stdout


def test_compile_writes_the_file_for_the_npu_which_is_no_network_any_more(
    fvp_tui: Fvp, networks: dict[str, Path], tmp_path: Path
) -> None:
    output = tmp_path / "compiled.tflite"
    assert fvp_tui("compile", str(networks["split"]), "-o", str(output)).returncode == 0
    done = fvp_tui("run", str(output))
    assert done.returncode == 1 and "is compiled already, by Vela" in done.stdout


def test_a_sweep_goes_over_npus(fvp_tui: Fvp, networks: dict[str, Path]) -> None:
    done = fvp_tui(
        "sweep",
        str(networks["split"]),
        "--targets",
        "ethos-u55-64,ethos-u85-256",
        "--memory-modes",
        "Shared_Sram",
        "--json",
    )
    points = json.loads(done.stdout)["points"]
    assert [point["target"] for point in points] == ["ethos-u55-64", "ethos-u85-256"]
    assert all(point["total_cycles"] > 0 for point in points)


def test_names_of_a_network_are_never_markup_nor_control_characters(fvp_tui: Fvp, tmp_path: Path) -> None:
    net = Network()
    x = net.tensor("x", (1, 8, 8, 4), scale=0.02)
    path = tmp_path / "hostile.tflite"
    path.write_bytes(net.build([x], [net.conv("[red]\x1b[31m\nReason: none", x, 4)]))
    done = fvp_tui("run", str(path))
    assert done.returncode == 0 and "\x1b" not in done.stdout and "[red]" in done.stdout


def test_a_tosa_graph_is_checked_by_the_reference_model_and_compared_with_its_origin_in_order(
    ran: RanModel, fvp_tui: Fvp, home: Path, tmp_path: Path
) -> None:
    origin = ran("sample:digits")
    graph = tmp_path / "digits.tosa"
    graph.write_bytes((origin.artifacts / "vela" / "partition-0" / "model.tosa").read_bytes())
    found = state(fvp_tui, str(graph), "--inferences", "2")
    assert (found["check"]["status"], found["check"]["reference"]) == ("match", "tosa")
    assert found["check"]["outputs"][0]["max_abs_error"] == 0
    from tests.conftest import taken_over

    first = taken_over(origin, home)
    compared = json.loads(fvp_tui("compare", first, found["run"]["id"], "--json").stdout)
    assert (compared["comparable"], compared["matched"]) == (True, "order")
    pairs = [(row["name"], row["name_b"]) for row in compared["operators"]]
    assert pairs[0][0].startswith("features.0") and all(a and b for a, b in pairs)
    text = fvp_tui("compare", first, found["run"]["id"])
    assert text.returncode == 0 and "operators, in order" in text.stdout and "SIDE BY SIDE" in text.stdout
