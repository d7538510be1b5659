"""The operator families: for each what it starts from and a proposal of the next step, as PyTorch source.

Proposals draw their parameters freely; what PyTorch refuses is drawn again.
"""

import math

import numpy as np

from tests.differential import faults
from tests.differential.joins import JOINS
from tests.differential.specs import (
    INTEGERS,
    STEPS,
    TARGETS,
    Draft,
    Family,
    Kind,
    Npu,
    Quantization,
    Shape,
    Spec,
    configuration,
    generator,
)  # fmt: skip

ATTEMPTS = 40
"""Proposals for one step before the graph is left as it is."""

LARGE = 0.12
"""Share of graphs with larger tensors."""


def _padded(d: Draft, kernel: int) -> int:
    return d.integer(0, kernel // 2 + d.chance(0.2)) if d.chance(0.6) else 0


def _convolution(d: Draft, axes: int, groups: int, out: int) -> str | None:
    channels = d.shape[1]
    largest = d.one_of(1, 3, 3, 5, 5, 9)
    kernel = tuple(d.integer(1, largest) for _ in range(axes))
    weight = d.constant((out, channels // groups, *kernel))
    bias = d.constant((out,)) if d.chance(0.7) else None
    stride = tuple(d.one_of(1, 1, 1, 2, 2, 3, 4) for _ in range(axes))
    dilation = tuple(d.one_of(1, 1, 1, 2, 3) for _ in range(axes))
    padding = tuple(_padded(d, k) for k in kernel)
    several = 1 < groups < out
    if faults.wrongly_taken_apart(d.shape[2:], kernel, stride, padding, dilation, several=several):
        return None
    if faults.loses_padding(groups, padding, dilation):
        return None
    if max(dilation) > 2 and d.steps and d.steps[-1].family == "slice":
        # Vela forgets where the slice begins: see `faults`.
        return None
    return (
        f"F.conv{axes}d({d.last}, {weight}, {bias}, stride={stride}, padding={padding},"
        f" dilation={dilation}, groups={groups})"
    )


def _divisor(d: Draft, number: int) -> int:
    return int(d.one_of(*[n for n in range(1, number + 1) if number % n == 0]))


def conv1d(d: Draft) -> str | None:
    groups = _divisor(d, d.shape[1]) if d.chance(0.3) else 1
    return _convolution(d, 1, groups, groups * d.integer(1, max(24 // groups, 1)))


def conv2d(d: Draft) -> str | None:
    return _convolution(d, 2, 1, d.one_of(d.integer(1, 20), d.integer(1, 40)))


def grouped(d: Draft) -> str | None:
    groups = _divisor(d, d.shape[1])
    return _convolution(d, 2, groups, groups * d.integer(1, max(16 // groups, 1)))


def depthwise(d: Draft) -> str | None:
    channels = d.shape[1]
    return _convolution(d, 2, channels, channels * d.one_of(1, 1, 1, 2, 3))


def transposed(d: Draft) -> str | None:
    if any(step.family == "slice" for step in d.steps):
        # Vela forgets where the slice begins: see `faults`.
        return None
    out = d.integer(1, 16)
    kernel = d.integer(1, 4), d.integer(1, 4)
    stride = d.one_of(1, 2, 2), d.one_of(1, 2, 2)
    weight = d.constant((d.shape[1], out, *kernel))
    bias = d.constant((out,)) if d.chance(0.7) else None
    padding = tuple(d.integer(0, k - 1) if d.chance(0.4) else 0 for k in kernel)
    extra = tuple(d.integer(0, s - 1) for s in stride)
    return f"F.conv_transpose2d({d.last}, {weight}, {bias}, stride={stride}, padding={padding}, output_padding={extra})"


def linear(d: Draft) -> str:
    out = d.integer(1, 48)
    bias = d.constant((out,)) if d.chance(0.7) else None
    return f"F.linear({d.last}, {d.constant((out, d.shape[-1]))}, {bias})"


def _window(d: Draft) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    largest = d.one_of(2, 3, 3, 5, 9)
    kernel = d.integer(1, largest), d.integer(1, largest)
    stride = d.integer(1, 3), d.integer(1, 3)
    padding = (d.integer(0, kernel[0] // 2), d.integer(0, kernel[1] // 2)) if d.chance(0.5) else (0, 0)
    return kernel, stride, padding


def max_pool(d: Draft) -> str:
    kernel, stride, padding = _window(d)
    ceil = d.chance(0.2)
    return f"F.max_pool2d({d.last}, {kernel}, stride={stride}, padding={padding}, ceil_mode={ceil})"


def average_pool(d: Draft) -> str:
    kernel, stride, padding = _window(d)
    if len(d.shape) == 3:
        return f"F.avg_pool1d({d.last}, {kernel[0]}, stride={stride[0]}, padding={padding[0]})"
    return (
        f"F.avg_pool2d({d.last}, {kernel}, stride={stride}, padding={padding},"
        f" ceil_mode={d.chance(0.2)}, count_include_pad={d.chance(0.5)})"
    )


def adaptive_pool(d: Draft) -> str | None:
    height, width = d.shape[2:]
    # Sizes that do not divide become a pool for each output element: few of those.
    size = (d.integer(1, 3), d.integer(1, 3)) if d.chance(0.3) else (_divisor(d, height), _divisor(d, width))
    if size[0] * size[1] > 24:
        return None
    return f"F.adaptive_{d.one_of('avg', 'avg', 'max')}_pool2d({d.last}, {size})"


def matmul(d: Draft) -> str:
    *batch, rows, inner = d.shape
    choice = d.random.random()
    if choice < 0.25:
        return f"torch.matmul({d.last}, {d.last}.transpose(-1, -2))"
    if choice < 0.5:
        other = d.input((*batch, d.integer(1, 24), rows))
        return f"torch.matmul({other}, {d.last})"
    other = d.operand((*batch, inner, d.integer(1, 24)))
    return f"torch.{'bmm' if len(batch) == 1 and d.chance(0.5) else 'matmul'}({d.last}, {other})"


def attention(d: Draft) -> str:
    *batch, _, width = d.shape
    if d.chance(0.5):
        keys = d.integer(1, 12)
        key, value = d.input((*batch, keys, width)), d.input((*batch, keys, d.integer(1, 16)))
        return f"F.scaled_dot_product_attention({d.last}, {key}, {value})"
    size = d.integer(1, 16)
    query, key, value = (f"F.linear({d.last}, {d.constant((size, width))})" for _ in range(3))
    return f"F.softmax({query} @ {key}.transpose(-1, -2) * {1 / math.sqrt(size)!r}, -1) @ {value}"


def _broadcast(d: Draft) -> Shape:
    """The last value's shape, or one that is broadcast to it."""
    if d.chance(0.6):
        return d.shape
    shape = tuple(1 if d.chance(0.5) else n for n in d.shape)
    return shape[d.integer(0, len(shape) - 1) :] if d.chance(0.3) else shape


def binary(d: Draft) -> str:
    operator = d.one_of("add", "add", "sub", "mul", "mul", "maximum", "minimum")
    if operator in ("add", "sub", "mul") and d.chance(0.2):
        return f"torch.{operator}({d.last}, {d.random.normal():.4f})"
    other = d.operand(_broadcast(d))
    pair = (other, d.last) if d.chance(0.3) else (d.last, other)
    return f"torch.{operator}({pair[0]}, {pair[1]})"


def unary(d: Draft) -> str:
    return str(
        d.one_of(
            f"torch.abs({d.last})", f"torch.neg({d.last})", f"torch.square({d.last})", f"torch.pow({d.last}, 2)",
            f"torch.sign({d.last})",
        )
    )  # fmt: skip


COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")


def _compared(d: Draft) -> str:
    operator = d.one_of(*COMPARISONS)
    other = f"{d.random.normal() * 0.5:.4f}" if d.chance(0.2) else d.operand(_broadcast(d))
    return f"torch.{operator}({d.last}, {other})"


def comparison(d: Draft) -> str:
    return _compared(d)


def where(d: Draft) -> str | None:
    if any(step.family == "gather" or "F.linear" in step.text for step in d.steps):
        # Vela may take the shape that was gathered from, or that a layer reads, for the operand's: see `faults`.
        return None
    if d.kind == "bool":
        return f"torch.where({d.last}, {d.input(d.shape)}, {d.operand(d.shape)})"
    if d.chance(0.3):
        return f"torch.where({d.input(d.shape, 'bool', dtype='bool')}, {d.last}, {d.operand(d.shape)})"
    return f"torch.where({_compared(d)}, {d.last}, {d.operand(d.shape)})"


def logical(d: Draft) -> str:
    if d.chance(0.25):
        return f"torch.logical_not({d.last})"
    operator = d.one_of("and", "or", "xor")
    return f"torch.logical_{operator}({d.last}, {d.input(_broadcast(d), 'bool', dtype='bool')})"


def _dtype(d: Draft) -> str:
    return str(d.values[d.last].dtype).removeprefix("torch.")


def bitwise(d: Draft) -> str:
    if d.chance(0.15):
        return f"torch.bitwise_not({d.last})"
    kind = _dtype(d)
    make = d.input if d.chance(0.7) else d.constant
    other = make(_broadcast(d), "int", dtype=kind)
    return f"torch.bitwise_{d.one_of('and', 'or', 'xor')}({d.last}, {other})"


def shift(d: Draft) -> str:
    kind = _dtype(d)
    direction = d.one_of("left", "right", "right")
    bits = np.iinfo(kind).bits
    if d.chance(0.5):
        return f"torch.bitwise_{direction}_shift({d.last}, {d.integer(0, bits - 1)})"
    return f"torch.bitwise_{direction}_shift({d.last}, {d.constant(_broadcast(d), 'index', bits, kind)})"


def clamp(d: Draft) -> str:
    low, high = sorted(d.random.normal(0, 1, 2))
    return str(
        d.one_of(
            f"torch.clamp({d.last}, {low:.3f}, {high:.3f})", f"torch.clamp({d.last}, min={low:.3f})",
            f"torch.clamp({d.last}, max={high:.3f})", f"F.relu({d.last})", f"F.relu({d.last})",
            f"F.relu6({d.last})", f"F.hardtanh({d.last}, {low:.3f}, {high:.3f})",
        )
    )  # fmt: skip


TABLES = (
    "torch.sigmoid({x})", "torch.tanh({x})", "F.gelu({x})", "F.gelu({x}, approximate='tanh')", "F.silu({x})",
    "torch.exp({x})", "torch.log(torch.abs({x}) + 0.5)", "torch.rsqrt(torch.abs({x}) + 0.5)",
    "torch.sqrt(torch.abs({x}))", "torch.reciprocal(torch.abs({x}) + 0.5)", "torch.sin({x})", "torch.cos({x})",
    "torch.erf({x})", "F.hardswish({x})", "F.hardsigmoid({x})", "F.elu({x})", "F.leaky_relu({x}, 0.1)",
    "torch.floor({x})", "torch.ceil({x})", "torch.round({x})", "torch.expm1({x})", "torch.log1p(torch.abs({x}))",
    "torch.pow(torch.abs({x}) + 0.1, 1.5)", "torch.sinh({x})", "torch.cosh({x})", "torch.atan({x})",
    "torch.asinh({x})", "F.prelu({x}, {w})", "F.softplus({x})", "F.mish({x})",
)  # fmt: skip


def table(d: Draft) -> str:
    text = str(d.one_of(*TABLES))
    return text.format(x=d.last, w=d.constant((1,), "positive") if "{w}" in text else "")


def softmax(d: Draft) -> str | None:
    if d.steps and d.steps[-1].family == "slice":
        # Vela forgets how much the slice has: see `faults`.
        return None
    return f"F.{d.one_of('softmax', 'softmax', 'log_softmax')}({d.last}, {d.axis()})"


def norm(d: Draft) -> str | None:
    if d.steps and d.steps[-1].family == "slice":
        # Vela forgets where the slice begins: see `faults`.
        return None
    shape = d.shape
    choice = d.random.random()
    if choice < 0.5 or len(shape) < 4:
        size = shape[-d.integer(1, min(2, len(shape) - 1)) :]
        affine = f"{d.constant(size, 'positive')}, {d.constant(size)}" if d.chance(0.7) else "None, None"
        return f"F.layer_norm({d.last}, {size}, {affine})"
    size = (shape[1],)
    if choice < 0.7:
        weights = f"{d.constant(size, 'positive')}, {d.constant(size)}"
        return f"F.group_norm({d.last}, {_divisor(d, shape[1])}, {weights})"
    mean, variance = d.constant(size), d.constant(size, "positive")
    return f"F.batch_norm({d.last}, {mean}, {variance}, {d.constant(size, 'positive')}, {d.constant(size)})"


def reduction(d: Draft) -> str | None:
    if d.steps and d.steps[-1].family == "slice":
        # Vela forgets where the slice begins: see `faults`.
        return None
    axes = sorted(d.random.permutation(len(d.shape))[: d.integer(1, 2)].tolist())
    operator = d.one_of("sum", "mean", "mean", "amax", "amin")
    keep = d.chance(0.5) or len(d.shape) == len(axes)
    return f"torch.{operator}({d.last}, {axes}, keepdim={keep})"


def resize(d: Draft) -> str | None:
    if d.steps and "torch.am" in d.steps[-1].text:
        # Vela may pad what it copies: see `faults`.
        return None
    mode = d.one_of("nearest", "bilinear")
    corners = "" if mode == "nearest" else f", align_corners={d.chance(0.4)}"
    height, width = d.shape[2:]
    if d.chance(0.6):
        scale = d.one_of(2, 2, 3, 4), d.one_of(2, 2, 3, 4)
        return f"F.interpolate({d.last}, scale_factor={scale}, mode={mode!r}{corners})"
    size = d.integer(1, 2 * height + 2), d.integer(1, 2 * width + 2)
    return f"F.interpolate({d.last}, size={size}, mode={mode!r}{corners})"


def pad(d: Draft) -> str | None:
    if d.steps and (d.steps[-1].family in ("depthwise", "grouped conv") or "torch.am" in d.steps[-1].text):
        # Vela may lose where the padding ends: see `faults`.
        return None
    count = d.integer(1, min(2, len(d.shape)))
    amounts = tuple(d.integer(0, 3) for _ in range(2 * count))
    value = d.one_of(0.0, 0.0, round(float(d.random.normal()), 3))
    return f"F.pad({d.last}, {amounts}, value={value})"


def cat(d: Draft) -> str | None:
    if any(step.family == "unary" or "torch.am" in step.text for step in d.steps):
        # Vela writes them with the strides of an array by itself, or pads their input to the whole: see `faults`.
        return None
    axis = d.axis()
    if d.chance(0.2):
        return f"torch.stack([{d.last}, {d.operand(d.shape)}], {axis})"
    other = list(d.shape)
    other[axis] = d.integer(1, 8)
    parts = [d.last, d.operand(tuple(other))]
    if d.chance(0.3):
        parts.append(d.one_of(d.last, parts[1]))
    d.random.shuffle(parts)
    return f"torch.cat([{', '.join(parts)}], {axis})"


def slices(d: Draft) -> str:
    axis = d.axis()
    size = d.shape[axis]
    begin = d.integer(0, size - 1)
    if len(d.shape) > 2 and d.chance(0.2):
        return f"torch.select({d.last}, {axis}, {begin})"
    if d.chance(0.2):
        cut = d.integer(1, size)
        return f"torch.cat(torch.split({d.last}, {cut}, {axis})[::-1], {axis})"
    marks = [":"] * axis + [f"{begin}:{d.integer(begin + 1, size)}:{d.one_of(1, 1, 1, 2, 3)}"]
    return f"{d.last}[{', '.join(marks)}]"


def flip(d: Draft) -> str:
    axes = sorted(d.random.permutation(len(d.shape))[: d.integer(1, 2)].tolist())
    return f"torch.flip({d.last}, {axes})"


def permute(d: Draft) -> str:
    order = tuple(d.random.permutation(len(d.shape)).tolist())
    return f"{d.last}.permute({order})"


def reshape(d: Draft) -> str:
    shape = d.shape
    choice = d.random.random()
    if choice < 0.15:
        return f"{d.last}.unsqueeze({d.axis()})" if len(shape) < 4 else f"{d.last}.flatten({d.integer(1, 2)})"
    if choice < 0.3:
        times = tuple(d.one_of(1, 1, 2, 3) for _ in shape)
        return f"{d.last}.repeat{times}"
    rest = math.prod(shape)
    sizes = []
    for _ in range(d.integer(1, 3)):
        size = _divisor(d, rest)
        sizes.append(size)
        rest //= size
    return f"{d.last}.reshape({(*sizes, rest)})"


def pixel_shuffle(d: Draft) -> str:
    factor = d.one_of(2, 2, 3)
    if d.shape[1] % factor**2 == 0:
        return f"F.pixel_shuffle({d.last}, {factor})"
    return f"F.pixel_unshuffle({d.last}, {factor})"


def gather(d: Draft) -> str:
    axis = d.axis()
    size = d.shape[axis]
    count = d.integer(1, 12)
    if d.chance(0.3):
        rows, width = d.integer(1, 40), d.shape[-1]
        indices = d.input((count,), "index", rows, "int32")
        return f"F.embedding({indices}, {d.constant((rows, width))}) + {d.last}.reshape(-1, {width})[:1]"
    make = d.input if d.chance(0.5) else d.constant
    return f"torch.index_select({d.last}, {axis}, {make((count,), 'index', size, 'int32')})"


def division(d: Draft) -> str | None:
    mode = d.one_of(None, None, "trunc", "floor")
    if d.kind == "int":
        if _dtype(d) != "int32":
            return None
        return f"torch.div({d.last}, {d.one_of(2, 3, 5, 7, 10)}, rounding_mode={d.one_of('trunc', 'floor')!r})"
    if d.chance(0.2):
        return f"torch.div({d.last}, {d.random.uniform(0.3, 3):.3f}, rounding_mode={mode!r})"
    make = d.input if d.chance(0.7) else d.constant
    return f"torch.div({d.last}, {make(_broadcast(d), 'positive')}, rounding_mode={mode!r})"


ANY: tuple[Kind, ...] = ("float", "bool", "int")

FAMILIES: dict[str, Family] = {
    "conv1d": Family(conv1d, (3,)),
    "conv2d": Family(conv2d, (4,)),
    "grouped conv": Family(grouped, (4,)),
    "depthwise": Family(depthwise, (4,)),
    "transposed conv": Family(transposed, (4,)),
    "linear": Family(linear),
    "max pool": Family(max_pool, (4,)),
    "average pool": Family(average_pool, (3, 4)),
    "adaptive pool": Family(adaptive_pool, (4,)),
    "matmul": Family(matmul),
    "attention": Family(attention, (3, 4)),
    "binary": Family(binary),
    "unary": Family(unary),
    "comparison": Family(comparison),
    "where": Family(where, kinds=("float", "bool")),
    "logical": Family(logical, kinds=("bool",)),
    "bitwise": Family(bitwise, kinds=("int",)),
    "shift": Family(shift, kinds=("int",)),
    "clamp": Family(clamp),
    "table": Family(table),
    "softmax": Family(softmax),
    "norm": Family(norm),
    "reduction": Family(reduction),
    "resize": Family(resize, (4,)),
    "pad": Family(pad),
    "cat": Family(cat),
    "slice": Family(slices, kinds=ANY),
    "flip": Family(flip),
    "permute": Family(permute, kinds=ANY),
    "reshape": Family(reshape, kinds=ANY),
    "pixel shuffle": Family(pixel_shuffle, (4,)),
    "gather": Family(gather),
    "division": Family(division, kinds=("float", "int")),
    **JOINS,
}
"""By name, in the order they are reported."""


def _start(d: Draft, family: Family) -> None:
    """The first input: of a rank and kind that the family takes."""
    rank = int(d.one_of(*family.ranks))
    large = d.chance(LARGE)
    channels = d.integer(1, 64 if large else 20)
    match rank:
        case 4:
            side = 32 if large else 12
            shape: Shape = (1, channels, d.integer(1, side), d.integer(1, side))
        case 3:
            shape = (d.one_of(1, 1, 1, 1, 2, 3), channels, d.integer(1, 100 if large else 24))
        case _:
            shape = (d.integer(1, 8), d.integer(1, 300 if large else 40))
    kind = family.kinds[0] if d.chance(0.75) else d.one_of(*family.kinds)
    dtype = {"float": "float32", "bool": "bool", "int": d.one_of(*INTEGERS)}[kind]
    d.input(shape, kind, dtype=dtype)


def _next(d: Draft) -> None:
    """One more step, of any family that goes on from the last."""
    names = [n for n, f in FAMILIES.items() if len(d.shape) in f.ranks and d.kind in f.kinds]
    for _ in range(ATTEMPTS):
        name = str(d.one_of(*names))
        if d.attempt(name, FAMILIES[name].propose):
            return


def spec(seed: int, index: int, npu: Npu = "ethos-u85") -> Spec:
    """The graph of that number: families take turns in leading it."""
    random = generator(seed, index)
    names = list(FAMILIES)
    lead = names[index % len(names)]
    while True:
        draft = Draft(random)
        _start(draft, FAMILIES[lead])
        if any(draft.attempt(lead, FAMILIES[lead].propose) for _ in range(ATTEMPTS)):
            break
    for _ in range(int(random.choice(STEPS)) - 1):
        if len(draft.shape) in (2, 3, 4):
            _next(draft)
    quantization: Quantization = "int8" if random.random() < 0.6 else "a16w8"
    configurations = tuple(configuration(random, npu) for _ in range(TARGETS))
    returned = tuple(name for name in draft.returned if name != draft.last)
    return Spec(seed, index, lead, tuple(draft.given), tuple(draft.steps), quantization, configurations, returned)
