"""The whole path through its public door: ``fvp-tui run MODEL --json`` on the bundled simulator."""

import hashlib
import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests import models
from tests.conftest import REPOSITORY, Fvp, Ran, environment

RanModel = Callable[..., Ran]

CONTRACT = {
    "run": {"id", "status", "reason", "created", "seconds", "exit_status"},
    "versions": {"fvp_tui", "torch", "executorch", "vela", "platform"},
    "delegation": {"subgraphs", "delegated_nodes", "non_delegated_nodes", "operators"},
    "estimate": {"source", "npu_cycles", "total_cycles", "inference_ms", "inferences_per_s", "macs", "sram_kib",
                 "dram_kib", "flash_kib"},
    "statistics": {"instructions", "mips", "simulated_s", "wall_s"},
    "check": {"status", "links", "outputs"},
    "platform": {"kind", "name", "version", "argv"},
}  # fmt: skip
LINK = {"name", "status", "sqnr_db", "max_abs_error", "allowed", "reason"}
CONTRACT_ROWS = {
    "stages": {"name", "status", "seconds", "cached"},
    "operators": {"name", "op", "npu_cycles", "source", "macs", "utilization", "sram_kib", "line"},
    "inferences": {"index", "npu_cycles", "cpu_cycles", "pmu", "source", "wall_s"},
    "artifacts": {"name", "path", "bytes", "sha256"},
}


@pytest.mark.parametrize("model", models.ALL)
def test_a_run_ends_well_and_its_outputs_match(model: str, ran: RanModel) -> None:
    found = ran(model).state
    assert (found["run"]["status"], found["run"]["reason"]) == ("ok", None)
    assert found["run"]["exit_status"] == 0
    assert found["check"]["status"] == "match", found["check"]
    assert [stage["name"] for stage in found["stages"] if stage["status"] != "ok"] == []
    assert found["platform"]["kind"] == "simulator"
    assert all(output["max_abs_error"] <= output["tolerance"] for output in found["check"]["outputs"])


@pytest.mark.parametrize("model", models.ALL)
def test_the_json_keeps_the_contract(model: str, ran: RanModel) -> None:
    found = ran(model).state
    assert found["schema_version"] == 1
    for key, names in CONTRACT.items():
        assert names <= found[key].keys(), key
    assert len(found["check"]["links"]) == 3
    assert all(link.keys() >= LINK for link in found["check"]["links"])
    for key, names in CONTRACT_ROWS.items():
        assert found[key], key
        assert all(names <= row.keys() for row in found[key]), key
    assert isinstance(found["limits"], list)
    assert [stage["name"] for stage in found["stages"]] == [
        "load", "export", "quantize", "lower", "vela", "emit", "boot", "infer", "check",
    ]  # fmt: skip


@pytest.mark.parametrize("model", models.ALL)
def test_what_the_program_asks_of_the_runner_is_known_before_it_runs(model: str, ran: RanModel) -> None:
    found = ran(model).state
    method, temporary = found["pools"]
    planned = next(pool["used"] for pool in found["memory"] if pool["name"] == "method_allocator_planned")
    assert (method["name"], method["needed"], method["available"]) == ("method_allocator", planned, None)
    # The NPU's scratch is what Vela counts as its arena, here in SRAM.
    assert temporary["needed"] == found["estimate"]["sram_kib"] * 1024


@pytest.mark.parametrize("model", models.ALL)
def test_operators_add_up_to_velas_totals(model: str, ran: RanModel) -> None:
    found = ran(model).state
    assert len(found["partitions"]) == found["delegation"]["subgraphs"]
    for index, part in enumerate(found["partitions"]):
        rows = [row for row in found["operators"] if row["partition"] == index]
        assert sum(row["total_cycles"] for row in rows) == part["total_cycles"]
        assert sum(row["macs"] for row in rows) == part["macs"]
    assert found["estimate"]["total_cycles"] == sum(part["total_cycles"] for part in found["partitions"])
    assert math.isclose(
        found["estimate"]["inference_ms"], sum(part["inference_ms"] for part in found["partitions"]), rel_tol=1e-9
    )


@pytest.mark.parametrize("model", models.ALL)
def test_artifacts_are_what_their_checksums_say(model: str, ran: RanModel) -> None:
    one = ran(model)
    names = {artifact["name"] for artifact in one.state["artifacts"]}
    assert {"model.pte", "model.tosa", "outputs.npz", "references.npz", "compile.log"} <= names
    for artifact in one.state["artifacts"]:
        data = (one.directory / artifact["path"]).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (artifact["bytes"], artifact["sha256"])


def test_the_partly_delegable_sample_says_what_stays_on_the_cpu_and_why(ran: RanModel) -> None:
    found = ran("sample:split").state["delegation"]
    assert found["subgraphs"] == 3
    kernels = {kernel["op"]: kernel["calls"] for kernel in found["kernels"]}
    assert kernels["aten::topk.values"] == kernels["aten::atan2.out"] == 1
    assert not any("getitem" in name for name in kernels)
    rows = {row["op"]: row for row in found["operators"] if row["cpu"]}
    for name, words in (("aten.topk", "torch.topk("), ("aten.atan2", "torch.atan2(")):
        assert "Not included in BaseTOSASupportList" in rows[name]["reason"]
        file, _, line = rows[name]["line"].rpartition(":")
        assert words in (REPOSITORY / "sample_models" / file).read_text().splitlines()[int(line) - 1]
    assert all(row["reason"] for row in rows.values())


def test_held_out_digits_are_answered_image_by_image_as_the_int8_model_answers(ran: RanModel) -> None:
    found = ran("sample:digits", "--inferences", "360").state
    accuracy = found["check"]["accuracy"]
    assert found["check"]["status"] == "match"
    assert len(found["inferences"]) == accuracy["inputs"] == 360
    assert accuracy["agree"] == 360
    assert accuracy["float_correct"] >= 350
    assert accuracy["platform_correct"] == accuracy["quantized_correct"] >= 350


def test_the_samples_own_evaluation_prints_three_accuracies(home: object, shared: object) -> None:
    done = subprocess.run(
        [sys.executable, REPOSITORY / "sample_models" / "digits.py"],
        env=environment(home),  # type: ignore[arg-type]
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()[:3]] == ["float", "int8", "platform"]
    assert "agree on 360 of 360" in done.stdout


def test_a16w8_matches_too(ran: RanModel) -> None:
    found = ran("sample:digits", "--quantize", "a16w8").state
    assert (found["run"]["status"], found["check"]["status"]) == ("ok", "match")


def test_a_float_model_runs_on_the_cpu_alone_and_has_no_estimate(ran: RanModel) -> None:
    found = ran("sample:digits", "--quantize", "none").state
    assert found["run"]["status"] == "ok", found["run"]
    assert found["delegation"]["subgraphs"] == 0
    assert found["estimate"] is None
    assert any("no Vela estimate" in note for note in found["notes"])
    assert found["check"]["status"] == "match"


def test_inputs_may_be_inside_of_tuples(fvp_tui: Fvp, tmp_path: Path) -> None:
    model = tmp_path / "nested.py"
    model.write_text(NESTED)
    done = fvp_tui("run", str(model), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["check"]["status"] == "match"
    files = []
    for at, value in enumerate((0.5, -0.25, 1.0)):
        np.save(tmp_path / f"{at}.npy", np.full((1, 8), value, np.float32))
        files += ["--input", str(tmp_path / f"{at}.npy")]
    assert fvp_tui("run", str(model), *files, "--require-match").returncode == 0
    few = fvp_tui("run", str(model), *files[:4])
    assert few.returncode == 2
    assert "takes 3 input(s), got 2 --input file(s)" in few.stdout


NESTED = """
import torch

class Net(torch.nn.Module):
    def forward(self, x, state):
        h, c = state
        return x * h + c

ModelUnderTest = Net()
ModelInputs = (torch.linspace(-1, 1, 8).reshape(1, 8), (torch.ones(1, 8), torch.full((1, 8), 2.0)))
"""


def test_a_ready_program_runs_without_compiling(ran: RanModel, fvp_tui: Fvp) -> None:
    program = ran("executorch:ds_cnn").artifacts / "model.pte"
    done = fvp_tui("run", str(program), "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert found["run"]["status"] == "ok"
    assert {stage["status"] for stage in found["stages"][:6]} == {"skipped"}
    assert found["check"]["status"] == "skipped"
    assert found["delegation"] is None
    assert found["notes"]
    # The simulator's model of the bare program says what Vela said of the model, but for names.
    compiled = ran("executorch:ds_cnn").state
    assert found["estimate"]["source"] == "simulator"
    assert found["estimate"]["npu_cycles"] == compiled["estimate"]["npu_cycles"]
    assert found["estimate"]["sram_kib"] is None
    figures = [[(o["commands"], o["npu_cycles"], o["macs"]) for o in s["operators"]] for s in (found, compiled)]
    assert figures[0] == [row for row in figures[1] if row[0]]


@pytest.mark.parametrize("model", models.ALL)
def test_every_operator_is_traced_and_they_add_up_to_the_inference(model: str, ran: RanModel) -> None:
    found = ran(model).state
    traced = [o["traced_cycles"] for o in found["operators"] if o["commands"]]
    assert None not in traced
    assert sum(traced) == found["inferences"][-1]["npu_cycles"]
    assert {o["traced_source"] for o in found["operators"] if o["commands"]} == {"estimated"}
    assert "artifacts/pmu_trace.json.gz" in {artifact["path"] for artifact in found["artifacts"]}


def test_fast_traces_nothing(fvp_tui: Fvp, ran: RanModel) -> None:
    program = ran("executorch:ds_cnn").artifacts / "model.pte"
    done = fvp_tui("run", str(program), "--fast", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert {o["traced_cycles"] for o in found["operators"]} == {None}
    assert found["inferences"][0]["npu_cycles"] is None
    assert any("--fast" in note for note in found["notes"])


def test_the_same_spec_gives_the_same_program(ran: RanModel, fvp_tui: Fvp) -> None:
    first = ran("sample:split").artifacts / "model.pte"
    again = json.loads(fvp_tui("compile", "sample:split", "--json").stdout)
    (sha256,) = [a["sha256"] for a in again["artifacts"] if a["name"] == "model.pte"]
    assert sha256 == hashlib.sha256(first.read_bytes()).hexdigest()


def test_a_broken_limit_is_exit_status_3_and_named(ran: RanModel, fvp_tui: Fvp) -> None:
    program = ran("executorch:ds_cnn").artifacts / "model.pte"
    done = fvp_tui("run", str(program), "--require-match", "--json")
    assert done.returncode == 3
    found = json.loads(done.stdout)
    assert found["limits"] == [{"name": "match", "limit": 1.0, "value": 0.0, "ok": False}]
    assert found["run"]["reason"] == "limits not met: no outputs were compared (--require-match)"


def test_no_control_character_leaves_the_command_line(ran: RanModel, fvp_tui: Fvp) -> None:
    program = ran("executorch:ds_cnn").artifacts / "model.pte"
    done = fvp_tui("run", str(program), "-v")
    assert done.returncode == 0
    assert all(c == "\n" or c.isprintable() for c in done.stdout + done.stderr)


def test_cycles_that_load_tables_are_named_where_they_explain_the_difference_from_velas(ran: RanModel) -> None:
    tables = [note for note in ran("executorch:softmax").state["notes"] if "wait for activation tables" in note]
    assert len(tables) == 1
    spent, total = (int(word.replace(",", "")) for word in tables[0].split() if word[0].isdigit())
    found = ran("executorch:softmax").state
    assert total == found["inferences"][0]["npu_cycles"]
    assert abs(total - spent - found["estimate"]["total_cycles"]) < 0.05 * found["estimate"]["total_cycles"]
    assert not any("activation tables" in note for note in ran("sample:digits").state["notes"])


def test_the_operator_of_which_vela_says_otherwise_is_named(ran: RanModel) -> None:
    found = ran("sample:split", "--target", "ethos-u65-512", "--memory-mode", "Dedicated_Sram").state
    ours, velas = found["inferences"][0]["npu_cycles"], found["estimate"]["total_cycles"]
    (note,) = [note for note in found["notes"] if "of Vela's total" in note]
    assert f"{ours:,} NPU cycles are {ours / velas:.2f} of Vela's total of {velas:,}" in note
    (operator,) = [one for one in found["operators"] if one["total_cycles"] > velas / 2]
    assert f"{operator['name']} (Conv2D)" in note and f"against {operator['total_cycles']:,}" in note
    # It is the figure of other memory: with the maps in SRAM from the beginning, Vela and the simulator agree.
    assert "from before it moved the feature maps" in note
    on_chip = ran("sample:split", "--target", "ethos-u65-512", "--memory-mode", "Sram_Only").state
    (same,) = [one for one in on_chip["operators"] if one["name"] == operator["name"] and one["op"] == "Conv2D"]
    assert f": {same['total_cycles']:,} against" in note
    assert not any("of Vela's total" in note for note in on_chip["notes"])
