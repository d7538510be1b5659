"""The families in which a value goes several ways and joins others again, as in the networks that people build.

Here the quantizer lets tensors share their scale, and the compilers look at who reads what before they fuse.
"""

from tests.differential import faults
from tests.differential.specs import Draft, Family, Shape

ACTIVATIONS = (
    "F.relu({x})", "F.relu({x})", "F.relu({x})", "torch.relu_({x})", "F.hardtanh({x}, 0.0, 6.0)",
    "F.hardtanh({x}, 0.0, 1.0)", "F.hardtanh({x}, -1.0, 1.0)", "F.hardtanh({x}, 0.0, 0.75)",
    "torch.clamp({x}, min=0.0)", "F.relu6({x})", "torch.sigmoid({x})", "torch.tanh({x})", "F.hardswish({x})",
    "F.hardsigmoid({x})", "F.leaky_relu({x}, 0.1)", "F.gelu({x})", "F.silu({x})", "F.elu({x})",
)  # fmt: skip

TIMES = ("0.25", "0.5", "2.0", "4.0")


def _activated(d: Draft, x: str) -> str:
    return str(d.one_of(*ACTIVATIONS)).format(x=x)


def _channels(d: Draft, x: str, width: int, out: int) -> str:
    """A convolution or a linear layer of the rank that the last value has: `width` channels of `x` to `out`."""
    bias = d.constant((out,)) if d.chance(0.7) else None
    match len(d.shape):
        case 4:
            kernel = d.one_of(1, 1, 3)
            if width == out and d.chance(0.2):
                weight, groups = d.constant((out, 1, kernel, kernel)), width
            else:
                weight, groups = d.constant((out, width, kernel, kernel)), 1
            text = f"F.conv2d({x}, {weight}, {bias}, padding={kernel // 2}, groups={groups})"
        case 3 if d.chance(0.5):
            kernel = d.one_of(1, 3)
            text = f"F.conv1d({x}, {d.constant((out, width, kernel))}, {bias}, padding={kernel // 2})"
        case 3:
            return f"F.linear({x}.transpose(1, 2), {d.constant((out, width))}, {bias}).transpose(1, 2)"
        case _:
            return f"F.linear({x}, {d.constant((out, width))}, {bias})"
    return _normalized(d, text, out) if d.chance(0.25) else text


def _normalized(d: Draft, x: str, width: int) -> str:
    mean, variance = d.constant((width,)), d.constant((width,), "positive")
    return f"F.batch_norm({x}, {mean}, {variance}, {d.constant((width,), 'positive')}, {d.constant((width,))})"


def _layer(d: Draft, x: str) -> str:
    """A layer that keeps the last value's shape."""
    width = d.shape[1]
    return _channels(d, x, width, width)


def _branch(d: Draft, x: str) -> str:
    """Apply one branch to `x`, keeping its shape."""
    choice = d.random.random()
    if choice < 0.15:
        return x
    if choice < 0.65:
        return _activated(d, _layer(d, x))
    if choice < 0.8:
        return _layer(d, x)
    # An activation by itself must not write to what others read.
    return _activated(d, x).replace("relu_(", "relu(")


def _joined(d: Draft, parts: list[str]) -> str:
    """Values of one shape, made one."""
    d.random.shuffle(parts)
    choice = d.random.random()
    if choice < 0.5:
        return f"torch.cat([{', '.join(parts)}], {d.one_of(1, 1, d.axis())})"
    if choice < 0.6 and len(d.shape) < 4:
        return f"torch.stack([{', '.join(parts)}], {d.axis()})"
    joined = parts[0]
    for part in parts[1:]:
        joined = str(d.one_of("({a} + {b})", "({a} + {b})", "({a} * {b})", "({a} - {b})", "torch.maximum({a}, {b})"))\
            .format(a=joined, b=part)  # fmt: skip
    return joined


def activated_cat(d: Draft) -> list[str]:
    """Concatenations of activations and what they were computed of; sometimes a chain of them."""
    texts = [_activated(d, _layer(d, d.last))]
    parts = [d.last, d.ahead(0)]
    for _ in range(d.integer(0, 2)):
        texts.append(_branch(d, d.one_of(d.last, d.ahead(0))))
        parts.append(d.ahead(len(texts) - 1))
    if d.chance(0.2):
        parts.append(d.input(d.shape))
    d.random.shuffle(parts)
    texts.append(f"torch.cat([{', '.join(parts)}], 1)")
    joined = d.ahead(len(texts) - 1)
    width = d.shape[1] * len(parts)
    if d.chance(0.4):
        texts.append(f"torch.cat([{_activated(d, _channels(d, joined, width, d.shape[1]))}, {joined}], 1)")
    elif d.chance(0.5):
        texts.append(_channels(d, joined, width, d.integer(1, 8)))
    return texts


def dense(d: Draft) -> list[str]:
    """A dense block: normalized, activated, convolved, and concatenated with what it was computed of."""
    texts: list[str] = []
    value, width = d.last, d.shape[1]
    growth = d.integer(2, 6)
    for _ in range(d.integer(2, 3)):
        inner = _normalized(d, value, width) if d.chance(0.6) else value
        new = _channels(d, f"F.relu({inner})", width, growth)
        if d.chance(0.4):
            new = _activated(d, new)
        texts.append(f"torch.cat([{value}, {new}], 1)")
        value, width = d.ahead(len(texts) - 1), width + growth
    return texts


def shared(d: Draft) -> list[str]:
    """A value that several read, and which is an output, too."""
    texts = [_activated(d, _layer(d, d.last)) if d.chance(0.8) else _layer(d, d.last)]
    value = d.ahead(0)
    parts = []
    for _ in range(d.integer(2, 3)):
        texts.append(_branch(d, value))
        parts.append(d.ahead(len(texts) - 1))
    if d.chance(0.5):
        d.returned.append(value)
    texts.append(_joined(d, parts))
    return texts


def residual(d: Draft) -> list[str]:
    """Residual blocks, activated after the sum or before the convolutions."""
    texts: list[str] = []
    value = d.last
    for _ in range(d.integer(1, 2)):
        if d.chance(0.4):
            inner = f"F.relu({_normalized(d, value, d.shape[1]) if d.chance(0.5) else value})"
            texts.append(f"{value} + {_layer(d, _activated(d, _layer(d, inner)))}")
        else:
            path = _layer(d, _activated(d, _layer(d, value)))
            way = _activated(d, _layer(d, value)) if d.chance(0.3) else value
            texts.append(_activated(d, f"{path} + {way}"))
        value = d.ahead(len(texts) - 1)
    if d.chance(0.3):
        d.returned.append(d.ahead(0))
    return texts


def squeeze_excite(d: Draft) -> list[str]:
    """Channels weighted by what all of each channel comes to."""
    width = d.shape[1]
    inner = d.integer(1, max(width // 2, 1))
    gate = d.one_of("torch.sigmoid", "F.hardsigmoid")
    value = d.last
    texts: list[str] = []
    if d.chance(0.6):
        texts.append(_activated(d, _layer(d, value)))
        value = d.ahead(0)
    first, second = d.constant((inner, width)), d.constant((width, inner))
    if d.chance(0.5):
        squeezed = f"F.relu(F.linear(torch.mean({value}, (2, 3)), {first}))"
        texts.append(f"{value} * {gate}(F.linear({squeezed}, {second})).reshape(1, {width}, 1, 1)")
    else:
        squeezed = f"F.conv2d(F.adaptive_avg_pool2d({value}, 1), {first}.reshape({inner}, {width}, 1, 1))"
        texts.append(f"{value} * {gate}(F.conv2d(F.relu({squeezed}), {second}.reshape({width}, {inner}, 1, 1)))")
    if d.chance(0.4):
        texts.append(f"{d.ahead(len(texts) - 1)} + {d.last}")
    return texts


def splits(d: Draft) -> list[str] | None:
    """Parts of a value that go different ways."""
    axis = d.axis()
    size = d.shape[axis]
    if size < 2:
        return None
    texts = [_activated(d, _layer(d, d.last)) if d.chance(0.6) else _activated(d, d.last).replace("relu_(", "relu(")]
    cut = d.integer(1, size - 1)
    if d.chance(0.5):
        first, second = (f"torch.chunk({d.ahead(0)}, 2, {axis})[{n}]" for n in (0, 1))
    else:
        first, second = (f"torch.split({d.ahead(0)}, [{cut}, {size - cut}], {axis})[{n}]" for n in (0, 1))
    if size % 2 == 0 and d.chance(0.4):
        half = size // 2
        first, second = (f"torch.narrow({d.ahead(0)}, {axis}, {n}, {half})" for n in (0, half))
        texts.append(f"{_activated(d, first).replace('relu_(', 'relu(')} * {second}")
        return texts
    texts.append(_activated(d, first).replace("relu_(", "relu("))
    texts.append(f"{second} * {d.one_of(*TIMES)}" if d.chance(0.5) else second)
    texts.append(f"torch.cat([{d.ahead(2)}, {d.ahead(1)}], {axis})")
    return texts


def views(d: Draft) -> list[str]:
    """Permutes and reshapes between an activation and what it joins."""
    texts = [_activated(d, _layer(d, d.last))]
    order = d.random.permutation(len(d.shape)).tolist()
    back = [order.index(axis) for axis in range(len(order))]
    if d.chance(0.5):
        texts.append(f"{d.ahead(0)}.permute({tuple(order)})")
        if d.chance(0.5):
            texts.append(f"torch.cat([{d.ahead(1)}, {d.last}.permute({tuple(order)})], {d.axis()})")
        else:
            texts.append(_activated(d, d.ahead(1)).replace("relu_(", "relu("))
            texts.append(f"{d.ahead(2)}.permute({tuple(back)}) {d.one_of('+', '*', '-')} {d.last}")
    else:
        first = f"{d.ahead(0)}.flatten(1)"
        other = d.one_of(f"{d.last}.flatten(1)", f"{d.last}.flatten(1) * 3.0", f"-{d.last}.flatten(1)")
        texts.append(f"torch.cat([{first}, {other}], 1)")
        if d.chance(0.5):
            texts.append(f"{d.ahead(1)}.reshape({(d.shape[0], 2, -1)})")
    return texts


def two_scales(d: Draft) -> list[str] | None:
    """An activation whose readers are quantized differently."""
    texts = [_activated(d, _layer(d, d.last)), f"{d.last} * {d.one_of(*TIMES)}"]
    value = d.ahead(0)
    # Vela may read the operands of a choice in the shape that a linear layer reads them in: see `faults`.
    reader = d.one_of("torch.cat([{v}, {o}], 1)", "torch.where({o} > {v}, {v}, {o})", "torch.maximum({v}, {o})")
    texts.append(reader.format(v=value, o=d.ahead(1)))
    if d.chance(0.6):
        d.returned.append(d.ahead(2))
    texts.append(_joined(d, [_layer(d, value), value, _branch(d, value)]))
    return None if faults.chooses_in_another_shape([*(step.text for step in d.steps), *texts]) else texts


def in_place(d: Draft) -> list[str]:
    """Operators that write to what they read."""
    value = d.ahead(0)
    steps = d.one_of(
        ("{v}.relu_()", "{v}.mul_(0.5)"), ("F.relu({v}, inplace=True)", "{v} + {o}"), ("{v}.add_({o})", "{v}.relu_()"),
        ("{v}.sub_({o})", "{v}.clamp_(min=0.0)"), ("{v}.sigmoid_()", "{v}.mul_({o})"), ("{v}.tanh_()", "{v} * {o}"),
        ("F.hardswish({v}, inplace=True)", "torch.cat([{v}, {o}], 1)"), ("{v}.relu_()", "torch.cat([{o}, {v}], 1)"),
        ("F.leaky_relu({v}, 0.1, inplace=True)", "{v}.add_({o})"), ("F.silu({v}, inplace=True)", "{v} - {o}"),
        ("F.hardtanh({v}, 0.0, 2.0, inplace=True)", "torch.cat([{v}, {o}], 1)"), ("{v}[:, :1].relu_()", "{v} + {o}"),
        ("{v}[:, :1].mul_(2.0)", "torch.cat([{v}, {o}], 1)"), ("{v}.copy_({o})", "{v} * 2.0"),
    )  # fmt: skip
    return [_layer(d, d.last), *(text.format(v=value, o=d.last) for text in steps)]


def twins(d: Draft) -> list[str]:
    """Concatenations and sums of the same tensor twice."""
    texts = [_activated(d, _layer(d, d.last)) if d.chance(0.7) else _branch(d, d.last)]
    value = d.ahead(0)
    text = d.one_of(
        "torch.cat([{v}, {v}], {a})", "torch.cat([{v}, {o}, {v}], {a})", "torch.cat([{o}, {v}, {o}], {a})",
        "torch.cat([{v}, {v}], {a}) + torch.cat([{o}, {v}], {a})", "{v} + {v}", "{v} * {v}", "({v} - {v}) + {o}",
        "torch.maximum({v}, {v}) + {o}",
    )  # fmt: skip
    texts.append(text.format(v=value, o=d.last, a=d.axis()))
    return texts


def outputs(d: Draft) -> list[str]:
    """An input, a constant or a value in the middle that is an output, too."""
    texts = [_layer(d, d.last), _activated(d, d.ahead(0)).replace("relu_(", "relu(")]
    other = d.one_of(d.given[0].name, d.ahead(0), d.ahead(1), d.constant((1, d.integer(1, 8))))
    d.returned.append(other)
    if d.chance(0.3):
        d.returned.append(f"{d.ahead(1)}.flatten()")
    texts.append(_branch(d, d.ahead(1)) if d.chance(0.7) else f"{d.ahead(1)} + {d.ahead(0)}")
    return texts


def pools(d: Draft) -> list[str]:
    """Pools of one value, of different kinds, side by side."""
    texts = [_branch(d, d.last)]
    value = d.ahead(0)
    kernel, stride = d.one_of((3, 1), (3, 2), (2, 2), (1, 1))
    size = f"{kernel}, {stride}, {kernel // 2}"
    kinds = [
        f"F.max_pool2d({value}, {size})", f"F.avg_pool2d({value}, {size})",
        f"F.max_pool2d({_activated(d, _layer(d, value))}, {size})", f"F.avg_pool2d(F.relu({_layer(d, value)}), {size})",
    ]  # fmt: skip
    d.random.shuffle(kinds)
    if d.chance(0.3):
        texts.append(f"torch.cat([torch.amax({value}, (2, 3)), torch.mean({value}, (2, 3))], 1)")
    else:
        parts = kinds[: d.integer(2, 3)]
        together = f"torch.cat([{', '.join(parts)}], 1)"
        texts.append(together if d.chance(0.7) else f"{parts[0]} {d.one_of('+', '*', '-')} {parts[1]}")
    return texts


def u_net(d: Draft) -> list[str] | None:
    """Join a downsampled and upsampled tensor with the original."""
    height, width = d.shape[2:]
    if height % 2 or width % 2:
        return None
    channels = d.shape[1]
    texts = [_activated(d, _layer(d, d.last)), f"F.max_pool2d({d.ahead(0)}, 2)", _branch(d, d.ahead(1))]
    if d.chance(0.5):
        weight = d.constant((channels, channels, 2, 2))
        up = f"F.conv_transpose2d({d.ahead(2)}, {weight}, {d.constant((channels,))}, stride=2)"
    else:
        up = f"F.interpolate({d.ahead(2)}, scale_factor=2, mode={d.one_of('nearest', 'bilinear')!r})"
    texts.append(_activated(d, up).replace("relu_(", "relu(") if d.chance(0.4) else up)
    texts.append(f"torch.cat([{d.ahead(0)}, {d.ahead(3)}], 1)")
    if d.chance(0.6):
        texts.append(_activated(d, _channels(d, d.ahead(4), 2 * channels, channels)))
    return texts


def gates(d: Draft) -> list[str]:
    """Products of what was squashed, as in recurrent and gated layers."""
    width = d.shape[-1]

    def linear(x: str) -> str:
        return f"F.linear({x}, {d.constant((width, width))}, {d.constant((width,))})"

    value = d.last
    if d.chance(0.4):
        state = d.input(d.shape)
        return [
            f"torch.sigmoid({linear(value)} + {linear(state)})",
            f"torch.tanh({linear(value)} + {d.ahead(0)} * {state})",
            f"(1 - {d.ahead(0)}) * {d.ahead(1)} + {d.ahead(0)} * {state}",
        ]
    if d.chance(0.3):
        return [f"F.glu(torch.cat([{linear(value)}, {_activated(d, linear(value))}], -1), -1)"]
    return [linear(value), f"{_activated(d, linear(value))} * {d.ahead(0)}", f"{d.ahead(1)} + {value}"]


def chosen(d: Draft) -> list[str] | None:
    """Values chosen, written or scattered among others, which share their scale with them."""
    texts = [_activated(d, _layer(d, d.last))]
    value, other = d.ahead(0), d.last
    shape: Shape = d.shape
    texts.append(
        d.one_of(
            f"torch.where({other} > 0, {value}, {other})", f"torch.where({value} > {other}, {other}, {value})",
            f"torch.minimum({value}, {other})", f"torch.maximum({other}, {value})",
            f"torch.slice_scatter({other}, {value}[:, :1], 1, {shape[1] - 1}, {shape[1]})",
            f"torch.select_scatter({other}, {value}[:, 0], 1, 0)",
            f"torch.index_put({other}, (torch.tensor([0]),), {value}[:1])",
            f"torch.masked_fill({value}, {other} > 0.5, 0.25)",
        )
    )  # fmt: skip
    return None if faults.chooses_in_another_shape([*(step.text for step in d.steps), *texts]) else texts


JOINS: dict[str, Family] = {
    "activated cat": Family(activated_cat, (3, 4)),
    "dense block": Family(dense, (4,)),
    "shared": Family(shared),
    "residual": Family(residual),
    "squeeze-excite": Family(squeeze_excite, (4,)),
    "splits": Family(splits),
    "views": Family(views, (3, 4)),
    "two scales": Family(two_scales, (3, 4)),
    "in place": Family(in_place),
    "twins": Family(twins),
    "outputs": Family(outputs),
    "mixed pools": Family(pools, (4,)),
    "u-net": Family(u_net, (4,)),
    "gates": Family(gates),
    "chosen": Family(chosen),
}
"""By name, in the order they are reported."""
