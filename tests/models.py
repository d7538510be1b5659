"""The models that every end-to-end test runs, and what is known of them."""

MLPERF_TINY = (
    "executorch:resnet8",
    "executorch:ds_cnn",
    "executorch:mobilenet_v1_025",
    "executorch:deep_autoencoder",
)
SAMPLES = ("sample:digits", "sample:mobilenet_v2", "sample:split", "sample:transformer")
LONG = ("executorch:resnet8", "--quantize", "none")
"""Half a thousand million instructions on the firmware's CPU: a run that can be met in the middle."""
ALL = (*SAMPLES, *MLPERF_TINY)
