"""Every delegate of every model, bit for bit against Arm's TOSA reference model, on random inputs of the full range."""

from collections.abc import Callable

import numpy as np
import pytest

from tests import models
from tests.conftest import Ran
from tests.simulator import programs

RanModel = Callable[..., Ran]

SEEDS = (1, 2, 3)

TELLING = ("sample:digits", "sample:mobilenet_v2", "sample:transformer", "executorch:deep_autoencoder")
"""Models whose outputs depend on their inputs. Those of ExecuTorch with untrained weights saturate: they prove less."""


@pytest.mark.parametrize("model", models.ALL)
def test_delegates_equal_the_tosa_reference_model(model: str, ran: RanModel) -> None:
    parts = programs.parts_of_run(ran(model).artifacts)
    assert len(parts) == ran(model).state["delegation"]["subgraphs"]
    for number, part in enumerate(parts):
        engine = part.load()
        for seed in SEEDS:
            inputs = part.random_inputs(seed)
            found = programs.simulate(part, engine, inputs)
            expected = programs.reference(part, inputs)
            for output, (have, want) in enumerate(zip(found, expected, strict=True)):
                assert have.dtype == want.dtype
                np.testing.assert_array_equal(have, want, f"delegate {number}, output {output}, seed {seed}")


@pytest.mark.parametrize("model", TELLING)
def test_outputs_follow_from_the_inputs(model: str, ran: RanModel) -> None:
    (part,) = programs.parts_of_run(ran(model).artifacts)
    engine = part.load()
    answers = [programs.simulate(part, engine, part.random_inputs(seed)) for seed in SEEDS]
    for outputs in answers:
        assert all(len(np.unique(output)) > 1 for output in outputs)
    assert len({b"".join(output.tobytes() for output in outputs) for outputs in answers}) == len(SEEDS)


@pytest.mark.parametrize("register", ["IFM_ZERO_POINT", "OFM_ZERO_POINT", "IFM_PAD_TOP"])
def test_a_wrong_register_shows_in_the_outputs(register: str, ran: RanModel) -> None:
    """A negative control: agreement with the reference model is no accident."""
    (part,) = programs.parts_of_run(ran("sample:digits").artifacts)
    inputs = part.random_inputs(1)
    sound = programs.simulate(part, part.load(), inputs)
    words = part.load().stream.words.copy()
    words[programs.settings(part)[register][0]] ^= 1 << 16
    wrong = programs.with_words(part, words)
    assert any((a != b).any() for a, b in zip(sound, programs.simulate(wrong, wrong.load(), inputs), strict=True))
