"""Names of converters are cut to what can be read."""

from tui.compile import tensor_names

LITERT = (
    "a.b.ChannelLastIOWrapper/models.net.Net_wrapped/torch.nn.modules.container.Sequential_features/"
    "models.net.Block_0/torch.nn.modules.{kind}"
)


def test_litert_s_names_are_paths_of_modules() -> None:
    fused = ";;".join(LITERT.format(kind=kind) for kind in ("activation.ReLU_relu", "conv.Conv2d_depthwise"))
    assert tensor_names.module(f"{fused};2") == "features.0.depthwise"
    assert tensor_names.short(f"{fused};2") == "features.0.depthwise"


def test_other_names_keep_their_end() -> None:
    keras = "StatefulPartitionedCall/model/block/conv/Relu;StatefulPartitionedCall/model/block/bn/Add"
    assert (tensor_names.short(keras), tensor_names.module(keras)) == ("block/conv/Relu", None)
    assert [tensor_names.short(name) for name in ("conv1", "", "a;b", "Identity:0")] == ["conv1", "", "a", "Identity:0"]
