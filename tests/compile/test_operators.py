"""Operators on the NPU: place in the model, limiting part, and addresses of tensors."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ran
from tests.models import ALL

RanModel = Callable[..., Ran]


@pytest.mark.parametrize("model", ALL)
def test_every_operator_has_its_place_in_the_model_and_all_add_up(model: str, ran: RanModel) -> None:
    state = ran(model).state
    operators = state["operators"]
    at_work = [o for o in operators if o["total_cycles"]]
    assert [o["name"] for o in at_work if o["module"] is None or not o["line"]] == []
    for operator in at_work:
        file, _, number = operator["line"].rpartition(":")
        assert 0 < int(number) <= len(Path(file).read_text().splitlines())
    for index, partition in enumerate(state["partitions"]):
        cycles = sum(o["total_cycles"] for o in operators if o["partition"] == index)
        assert cycles == partition["total_cycles"]


@pytest.mark.parametrize("model", ALL)
def test_every_operator_says_what_bounds_it(model: str, ran: RanModel) -> None:
    for operator in ran(model).state["operators"]:
        if operator["total_cycles"]:
            most = max(operator["needs"].values())
            assert operator["needs"][operator["bound"]] == most
            # Cycles beyond are latencies and the filling of pipelines.
            assert operator["total_cycles"] >= most
        else:
            leader = ran(model).state["operators"][operator["fused_into"]]
            assert leader["total_cycles"] and leader["partition"] == operator["partition"]


def test_names_are_those_of_modules_of_the_model(ran: RanModel) -> None:
    found = {o["name"]: o for o in ran("sample:digits").state["operators"]}
    assert {"features.0", "features.2", "classify"} <= found.keys()
    mean = [o for o in ran("sample:mobilenet_v2").state["operators"] if o["name"] == "mean"]
    # The model takes the mean itself, and Vela makes several operators of it: two of them transposes.
    assert {o["module"] for o in mean} == {""}
    assert sorted(o["op"] for o in mean) == ["Mul", "ReduceSum", "ReduceSum", "Sub", "Transpose", "Transpose"]


@pytest.mark.parametrize("model", ["sample:digits", "sample:split", "executorch:resnet8"])
def test_no_two_tensors_share_an_address_at_one_time_and_the_peak_is_velas(model: str, ran: RanModel) -> None:
    state = ran(model).state
    for index, partition in enumerate(state["partitions"]):
        tensors = [t for t in state["tensors"] if t["partition"] == index and t["memory"] == "Sram"]
        assert tensors
        for a in tensors:
            for b in tensors:
                together = a["start"] <= b["end"] and b["start"] <= a["end"]
                if a is not b and together and a["name"] != b["name"]:
                    apart = a["address"] + a["bytes"] <= b["address"] or b["address"] + b["bytes"] <= a["address"]
                    assert apart, (a, b)
        top = max(t["address"] + t["bytes"] for t in tensors)
        assert top <= partition["sram_kib"] * 1024 <= top + 16
