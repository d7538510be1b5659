"""Figures of the Setup screen, explained for its help."""

FIGURES = (
    ("MACs", "Multiply-accumulates of one inference, as Vela counted them when the model was last compiled."),
    ("last", "Latency of the model's newest run that knows one, on whatever NPU it ran."),
    (
        "Target",
        "Latency on each size of the NPU: Vela's estimate of the lowered graph, else that of an earlier run of the"
        " same options. A column that is only outlined is not known: w estimates all sizes.",
    ),
    ("SRAM", "Peak of Vela's memory plan on the chosen NPU."),
    ("ready", "Models that can be compiled here; the others name the package that they need."),
)
