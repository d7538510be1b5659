"""CPU kernels against PyTorch's operators of the same name, and the way to PyTorch for those there are none of."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
import torch.ao.quantization.fx._decomposed  # registers quantized_decomposed
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from tests.conftest import REPOSITORY, environment
from tui.simulator import cpu_kernels
from tui.simulator.cpu_kernels import KernelError

pytestmark = pytest.mark.xdist_group("torch")

QUANTIZE = "quantized_decomposed::quantize_per_tensor.out"
DEQUANTIZE = "quantized_decomposed::dequantize_per_tensor.out"
CODES = {"uint8": 0, "int8": 1, "int16": 2}
"""Of ExecuTorch's element types."""

RANDOM = np.random.default_rng(7)
Array = np.ndarray[Any, Any]


def floats(*shape: int) -> Array:
    return RANDOM.normal(0, 3, shape).astype(np.float32)


def integers(*shape: int, kind: str = "int32", low: int = -9, high: int = 9) -> Array:
    return RANDOM.integers(low, high, shape, kind, endpoint=True)


def ours(name: str, values: tuple[Any, ...], targets: list[Array]) -> None:
    """What the interpreter does with a call's arguments."""
    kernel = cpu_kernels.find(name)
    assert kernel is not None
    assert (kernel.arity, kernel.listed or kernel.outputs) == (len(values), kernel.listed or len(targets))
    extra = {"targets": targets} if kernel.needs_targets else {}
    results = kernel.compute(*values, **extra)
    for result, target in zip(results if kernel.listed or len(targets) > 1 else (results,), targets, strict=True):
        cpu_kernels.store(result, target, name)


def pytorchs(name: str, values: tuple[Any, ...]) -> list[Array]:
    """The same from PyTorch."""
    namespace, _, rest = name.partition("::")
    base, _, overload = rest.partition(".")
    function = getattr(getattr(getattr(torch.ops, namespace), base), overload)
    schema = function._schema.arguments
    inputs, outs = [a for a in schema if not a.is_out], [a for a in schema if a.is_out]
    assert len(inputs) == len(values), "the kernel's arity is not that of the schema"

    def tensor(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return torch.from_numpy(value.copy())
        if isinstance(value, tuple):
            return [tensor(item) for item in value]
        return value

    taken = [tensor(value) for value in values]
    positional = [v for v, a in zip(taken, inputs, strict=True) if not a.kwarg_only]
    keywords = {a.name: v for v, a in zip(taken, inputs, strict=True) if a.kwarg_only}
    plain = {"sort": torch.sort, "topk": torch.topk}.get(base)
    if plain is not None:
        return [result.numpy() for result in plain(*positional)]
    operands = [t for t in torch.utils._pytree.tree_leaves(taken) if torch.is_tensor(t)]
    kind = torch.int64 if base == "argmax" else torch.result_type(operands[0], operands[-1])
    if base in ("div", "atan2") and not kind.is_floating_point:
        kind = torch.float32
    assert len(outs) == 1
    return [function(*positional, **keywords, out=torch.empty(0, dtype=kind)).numpy()]


CASES: dict[str, list[tuple[Any, ...]]] = {
    "aten::add.out": [
        (floats(3, 4), floats(4), 1),
        (floats(3, 4), floats(3, 1), 0.5),
        (integers(5), integers(5), -3),
        (floats(5), integers(5, low=-(1 << 30), high=1 << 30), 0.5),
        (integers(4, kind="int8", low=-128, high=127), integers(4, kind="int8", low=-128, high=127), 1),
    ],
    "aten::sub.out": [
        (floats(3, 4), floats(1, 4), 2),
        (integers(5, kind="int64"), integers(5, kind="int64"), 1),
        (integers(5, low=-(1 << 30), high=1 << 30), floats(5), 0.25),
    ],
    "aten::mul.out": [
        (floats(3, 4), floats(4)),
        (integers(6, kind="int8", low=-128, high=127), integers(6, kind="int8", low=-128, high=127)),
        (integers(5, low=-(1 << 30), high=1 << 30), floats(5)),
    ],
    "aten::div.out": [
        (floats(3, 4), floats(4)),
        (floats(3), np.zeros(3, np.float32)),
        (integers(5), integers(5)),
        (integers(5, low=-(1 << 30), high=1 << 30), floats(5)),
    ],
    "aten::atan2.out": [(floats(50), floats(50)), (integers(20), integers(20))],
    "aten::relu.out": [(floats(9),), (np.array([np.nan, -0.0, -np.inf], np.float32),), (integers(9, kind="int8"),)],
    "aten::hardtanh.out": [(floats(9), -1.0, 1.0), (floats(9), 0, 6)],
    "aten::clamp.out": [
        (floats(9), None, 0.5),
        (floats(9), -0.5, None),
        (floats(9), 2.0, 1.0),
        (integers(9), -3, 4),
        (np.array([np.nan, 1, -1], np.float32), 0.0, 0.5),
    ],
    "aten::neg.out": [(floats(9),), (np.array([-128, 127, 0], np.int8),)],
    "aten::abs.out": [(floats(9),), (np.array([-128, 127, 0], np.int8),)],
    "aten::argmax.out": [
        (floats(3, 4, 5), 1, False),
        (floats(3, 4, 5), -1, True),
        (floats(3, 4), None, False),
        (np.array([1, np.nan, 7, np.nan], np.float32), 0, False),
        (np.array([3, 7, 7, 1], np.int8), 0, True),
    ],
    "aten::topk.values": [
        (floats(3, 9), 4, -1, True, True),
        (floats(3, 9), 2, 0, False, True),
        (np.array([-128, 3, 127, -128, 0], np.int8), 5, 0, True, True),
        (np.array([0, 200, 255, 1], np.uint8), 3, 0, True, True),
        (np.array([1, np.nan, -np.inf, 5], np.float32), 3, 0, True, True),
    ],
    "aten::sort.values": [
        (floats(3, 9), -1, False),
        (floats(3, 9), 0, True),
        (np.array([-128, 3, 127, 0], np.int8), 0, True),
        (np.array([0, 200, 255, 1], np.uint8), 0, True),
        (np.array([1, np.nan, -np.inf, 5], np.float32), 0, True),
        (np.array([1, np.nan, -np.inf, 5], np.float32), 0, False),
    ],
    "aten::view_copy.out": [(floats(3, 4), (2, 6)), (floats(3, 4), (-1,)), (floats(1), ())],
    "aten::permute_copy.out": [(floats(2, 3, 4), (2, 0, 1)), (floats(2, 3), (-1, 0))],
    "aten::transpose_copy.int_out": [(floats(2, 3, 4), 0, -1), (floats(2, 3), 1, 1)],
    "aten::squeeze_copy.dims_out": [(floats(1, 3, 1), (0, 1, 2)), (floats(1, 3, 1), (-1,)), (floats(2, 3), (0,))],
    "aten::unsqueeze_copy.out": [(floats(2, 3), 0), (floats(2, 3), -1)],
    "aten::slice_copy.Tensor_out": [
        (floats(7, 3), 0, 1, 6, 2),
        (floats(7, 3), -1, None, None, 1),
        (floats(7), 0, -3, (1 << 63) - 1, 1),
        (floats(7), 0, 5, 2, 1),
    ],
    "aten::select_copy.int_out": [(floats(3, 4), 1, 2), (floats(3, 4), -2, -1)],
    "aten::cat.out": [
        ((floats(2, 3), floats(1, 3)), 0),
        ((floats(2, 3), floats(2, 1)), -1),
        ((np.zeros(0, np.float32), floats(2, 3)), 1),
        ((np.zeros(0, np.float32), np.zeros(0, np.float32)), 0),
    ],
    "aten::expand_copy.out": [(floats(3, 1), (2, 3, 4), False), (floats(3, 1), (-1, 5), False), (floats(), (2,), True)],
    "aten::full_like.out": [(floats(2, 3), 1.5, None), (integers(3), 7, None), (np.zeros(2, np.bool_), True, None)],
    "aten::clone.out": [(floats(2, 3), None)],
    "aten::copy.out": [(floats(2, 3), floats(3), False), (floats(2, 3), floats(2, 3), False)],
    "aten::slice_scatter.out": [
        (floats(2, 5, 3), floats(2, 2, 3), 1, 1, 5, 2),
        (floats(5), floats(2), -1, -2, (1 << 63) - 1, 1),
        (floats(5), floats(5), 0, None, None, 1),
    ],
}  # fmt: skip

LISTED: dict[str, tuple[Any, list[tuple[Any, ...]]]] = {
    "aten::split_copy.Tensor_out": (torch.split, [(floats(7, 2), 3, 0), (floats(2, 6), 2, -1), (floats(2, 3), 9, 1)]),
    "aten::split_with_sizes_copy.out": (torch.split, [(floats(7, 2), (3, 0, 4), 0), (floats(2, 6), (1, 5), -1)]),
    "aten::unbind_copy.int_out": (torch.unbind, [(floats(3, 2), 0), (floats(2, 3, 4), -1)]),
}
"""Operators with a list of tensors as output, and the functions of PyTorch that are the same."""

CALLS = [(name, number) for name, cases in CASES.items() for number in range(len(cases))]


def test_every_operator_of_pytorch_in_the_table_is_compared() -> None:
    assert {name for name in cpu_kernels.TABLE if name.startswith("aten::")} == CASES.keys() | LISTED.keys() | {
        "aten::copy_"
    }


@pytest.mark.parametrize(("name", "number"), CALLS)
def test_a_kernel_is_pytorchs_operator(name: str, number: int) -> None:
    values = CASES[name][number]
    expected = pytorchs(name, values)
    targets = [np.zeros_like(array) for array in expected]
    ours(name, values, targets)
    if name == "aten::atan2.out":
        np.testing.assert_array_max_ulp(targets[0], expected[0], 2)
        return
    np.testing.assert_array_equal(targets[0], expected[0])
    assert targets[0].dtype == expected[0].dtype
    if len(targets) == 2:
        # Which of equal elements is meant is PyTorch's choice: what an index points to is not.
        axis = values[2] if "topk" in name else values[1]
        np.testing.assert_array_equal(np.take_along_axis(values[0], targets[1], axis), expected[0])


@pytest.mark.parametrize("name", LISTED)
def test_a_kernel_of_a_list_is_pytorchs_operator(name: str) -> None:
    function, cases = LISTED[name]
    for x, *rest in cases:
        sizes = [list(value) if isinstance(value, tuple) else value for value in rest]
        expected = [part.numpy() for part in function(torch.from_numpy(x), *sizes)]
        targets = [np.zeros_like(array) for array in expected]
        ours(name, (x, *rest), targets)
        for target, array in zip(targets, expected, strict=True):
            np.testing.assert_array_equal(target, array)


def test_parts_that_are_not_the_whole_are_refused() -> None:
    with pytest.raises(KernelError, match="7 elements cannot be split into 6"):
        ours("aten::split_with_sizes_copy.out", (floats(7), (2, 4), 0), [np.zeros(2), np.zeros(4)])


def test_results_take_the_type_of_their_output() -> None:
    fractions = np.zeros((2, 2), np.float32)
    ours("aten::full_like.out", (np.zeros((2, 2), np.int32), 1.5, None), [fractions])
    assert (fractions == 1.5).all()
    clamped = np.zeros(4, np.float32)
    ours("aten::clamp.out", (np.array([-2, 0, 1, 9], np.int32), 0.5, 2.5), [clamped])
    np.testing.assert_array_equal(clamped, np.array([0.5, 0.5, 1, 2.5], np.float32))
    bounded = np.zeros(3, np.int32)
    ours("aten::clamp.out", (np.array([-2, 0, 9], np.int32), float("-inf"), 5.0), [bounded])
    np.testing.assert_array_equal(bounded, [-2, 0, 5])


@pytest.mark.parametrize("name", ["dim_order_ops::_to_dim_order_copy.out", "dim_order_ops::_clone_dim_order.out"])
@pytest.mark.parametrize(("source", "target"), [("int64", "int32"), ("float32", "int8"), ("int32", "float32")])
def test_copies_convert_as_pytorch_does(name: str, source: str, target: str) -> None:
    values = np.array([-1.75, 0, 3.5, 100, -100], np.float64).astype(source)
    found = np.zeros(5, target)
    ours(name, (values, False, (0,)), [found])
    np.testing.assert_array_equal(found, torch.from_numpy(values).to(getattr(torch, target)).numpy())


SCALES = st.floats(2.0**-20, 2.0**20, width=32)
VALUES = arrays_of.arrays(
    np.float32, st.integers(0, 40), elements=st.floats(-(2.0**99), 2.0**99, width=32, allow_subnormal=False)
)


@given(VALUES, SCALES, st.sampled_from(sorted(CODES)), st.data())
def test_quantizing_is_pytorchs(x: Array, scale: float, kind: str, data: st.DataObject) -> None:
    limits = np.iinfo(kind)
    zero_point = data.draw(st.integers(limits.min, limits.max))
    found = np.zeros(x.shape, kind)
    ours(QUANTIZE, (x, scale, zero_point, limits.min, limits.max, CODES[kind]), [found])
    expected = torch.ops.quantized_decomposed.quantize_per_tensor(
        torch.from_numpy(x), scale, zero_point, int(limits.min), int(limits.max), getattr(torch, kind)
    )
    np.testing.assert_array_equal(found, expected.numpy())


@given(st.lists(st.integers(-300, 300), min_size=1), st.integers(-20, 4), st.integers(-128, 127))
def test_halves_are_rounded_to_even(steps: list[int], exponent: int, zero_point: int) -> None:
    scale = 2.0**exponent
    x = ((np.array(steps) + 0.5) * scale).astype(np.float32)
    found = np.zeros(x.shape, np.int8)
    ours(QUANTIZE, (x, scale, zero_point, -128, 127, 1), [found])
    even = [n if n % 2 == 0 else n + 1 for n in steps]
    np.testing.assert_array_equal(found, np.clip(np.array(even) + zero_point, -128, 127))


def test_what_is_no_number_or_beyond_all_steps_is_quantized_to_the_ends() -> None:
    found = np.zeros(4, np.int8)
    ours(QUANTIZE, (np.array([np.inf, -np.inf, 3e38, np.nan], np.float32), 1e-3, 5, -127, 127, 1), [found])
    assert found.tolist() == [127, -127, 127, 5]


@given(st.sampled_from(sorted(CODES)), SCALES, st.data())
def test_dequantizing_is_pytorchs(kind: str, scale: float, data: st.DataObject) -> None:
    limits = np.iinfo(kind)
    x = data.draw(arrays_of.arrays(kind, st.integers(0, 40)))
    zero_point = data.draw(st.integers(limits.min, limits.max))
    found = np.zeros(x.shape, np.float32)
    ours(DEQUANTIZE, (x, scale, zero_point, limits.min, limits.max, CODES[kind], None), [found])
    expected = torch.ops.quantized_decomposed.dequantize_per_tensor(
        torch.from_numpy(x), scale, zero_point, int(limits.min), int(limits.max), getattr(torch, kind)
    )
    np.testing.assert_array_equal(found, expected.numpy())


@pytest.mark.parametrize("zero_points", [None, np.array([3, -7, 0], np.int64)])
def test_weights_are_dequantized_channel_by_channel(zero_points: Array | None) -> None:
    x, scales = integers(4, 3, 2, 2, kind="int8", low=-127, high=127), np.abs(floats(3))
    found = np.zeros(x.shape, np.float32)
    ours("quantized_decomposed::dequantize_per_channel.out", (x, scales, zero_points, 1, -127, 127, 1, None), [found])
    zeros = None if zero_points is None else torch.from_numpy(zero_points)
    expected = torch.ops.quantized_decomposed.dequantize_per_channel(
        torch.from_numpy(x), torch.from_numpy(scales), zeros, 1, -127, 127, torch.int8
    )
    np.testing.assert_array_equal(found, expected.numpy())


@given(arrays_of.arrays(np.int8, st.integers(1, 60)), SCALES, st.integers(-128, 127))
def test_quantizing_what_was_dequantized_gives_it_back(x: Array, scale: float, zero_point: int) -> None:
    middle, back = np.zeros(x.shape, np.float32), np.zeros_like(x)
    ours("cortex_m::dequantize_per_tensor.out", (x, scale, zero_point, -128, 127, 1), [middle])
    ours("cortex_m::quantize_per_tensor.out", (middle, scale, zero_point, -128, 127, 1), [back])
    np.testing.assert_array_equal(back, x)


def test_an_operator_we_have_not_comes_from_pytorch() -> None:
    x = floats(3, 5)
    found = np.zeros((3, 5), np.float32)
    ours("aten::gelu.out", (x, "tanh"), [found])
    expected = torch.nn.functional.gelu(torch.from_numpy(x), approximate="tanh")
    np.testing.assert_array_equal(found, expected.numpy())


def test_outputs_of_different_types_come_from_pytorch_too() -> None:
    x = floats(1, 2, 6, 6)
    values, indices = np.zeros((1, 2, 3, 3), np.float32), np.zeros((1, 2, 3, 3), np.int64)
    ours("aten::max_pool2d_with_indices.out", (x, (2, 2), (2, 2), (0, 0), (1, 1), False), [values, indices])
    expected = torch.nn.functional.max_pool2d(torch.from_numpy(x), 2, return_indices=True)
    np.testing.assert_array_equal(values, expected[0].numpy())
    np.testing.assert_array_equal(indices, expected[1].numpy())


def test_lists_of_tensors_and_read_only_constants_reach_pytorch() -> None:
    constant = floats(2, 3)
    constant.flags.writeable = False
    found = np.zeros((2, 2, 3), np.float32)
    ours("aten::stack.out", ((constant, constant), 0), [found])
    np.testing.assert_array_equal(found, np.stack([constant, constant]))


@pytest.mark.parametrize(
    "name",
    [
        "aten::no_such_operator.out",
        "aten::gelu.no_such_overload",
        "aten::gelu",
        "aten::gelu.default",
        "aten::from_file.out",
        "no_such_namespace::add.out",
        "__class__::mro.out",
        "load_library::__call__.out",
        "::.",
        "",
    ],
)
def test_there_is_no_such_operator(name: str) -> None:
    assert cpu_kernels.find(name) is None


def test_an_output_larger_than_planned_is_refused_before_it_is_made() -> None:
    with pytest.raises(KernelError, match=r"aten::full.out gives 1152921504606846976 elements, its output has 4"):
        ours("aten::full.out", ((1 << 30, 1 << 30), 1.0), [np.zeros(4, np.float32)])


def test_a_result_of_another_shape_is_refused() -> None:
    with pytest.raises(KernelError, match=r"gives a tensor of shape \(2, 3\), its output has \(4,\)"):
        cpu_kernels.store(np.zeros((2, 3)), np.zeros(4), "aten::add.out")


def test_more_than_there_is_cannot_be_the_largest() -> None:
    with pytest.raises(KernelError, match="largest 5 of 3"):
        ours("aten::topk.values", (floats(3), 5, 0, True, True), [np.zeros(5, np.float32), np.zeros(5, np.int64)])


def test_kernels_of_our_own_do_not_import_torch() -> None:
    code = (
        "import sys; from tui.simulator import cpu_kernels;"
        "assert all(cpu_kernels.find(name) for name in cpu_kernels.TABLE);"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(REPOSITORY), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_by_product_without_elements_is_left_out() -> None:
    name = "aten::_native_batch_norm_legit_no_training.out"
    kernel = cpu_kernels.find(name)
    assert kernel is not None
    x = np.arange(24, dtype=np.float32).reshape(1, 3, 2, 4)
    ones, zeros, nothing = np.ones(3, np.float32), np.zeros(3, np.float32), np.zeros(0, np.float32)
    targets = [np.zeros_like(x), nothing, nothing]
    out, *others = kernel.compute(x, ones, zeros, zeros, ones, 0.1, 0.0, targets=targets)
    assert np.array_equal(out, x)
    assert [other.size for other in others] == [0, 0]


def test_a_tensor_is_written_into_as_by_pytorch() -> None:
    x, row = floats(2, 5, 3), floats(5, 3)
    target = x.copy()
    ours("aten::copy_", (target, row, False), [target])
    assert np.array_equal(target, np.broadcast_to(row, x.shape))
    # In place, by PyTorch.
    target = x.copy()
    ours("aten::index_put_", (target, (None, np.array([0, 4])), floats(2, 2, 3) * 0, False), [target])
    assert not target[:, [0, 4]].any()
    assert np.array_equal(target[:, 1:4], x[:, 1:4])
