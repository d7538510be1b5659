"""fvp-tui from Python, cell by cell: open it as a notebook (Jupyter's `# %%` cells), or run it as a script."""

# %% A model of one's own, as it is: nothing needs to be saved.
import torch

import tui


class Net(torch.nn.Module):
    """A small network for images of 16 x 16 pixels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.features = torch.nn.Conv2d(3, channels, 3, stride=2)
        self.classify = torch.nn.Linear(channels, 4)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Classify an image."""
        return self.classify(self.features(image).relu().mean((2, 3)))


torch.manual_seed(0)
net, image = Net(16), torch.rand(1, 3, 16, 16)

# %% Compile it and run it. The last line of a cell shows the report's head; print() shows all figures.
state = tui.run(net, image, target="ethos-u85-256")
state  # noqa: B018 - what a notebook shows

# %% Figures, outputs, and the difference from the float model.
print(state.estimate.total_cycles, "cycles,", state.check.status)
(output,) = state.outputs()
with torch.no_grad():
    print("largest difference from float:", float((torch.from_numpy(output) - net(image)).abs().max()))

# %% A limit that is too strict: no exception, but a state with its reason.
strict = tui.run(net, image, target="ethos-u85-256", limits={"npu_cycles": 100})
print(strict.run.status, "-", strict.run.reason)

# %% Which NPU? The model is lowered once, then Vela is asked for each.
points = tui.sweep(net, image, targets=["ethos-u85-128", "ethos-u85-256"], memory_modes=["Sram_Only"])
print(points.best.target, f"{points.best.inference_ms * 1000:.1f} µs")

# %% Does twice the width cost too much?
wide = tui.run(Net(32), image, target="ethos-u85-256")
print(*(f"{figure.name} {figure.change_pct:+.0f} %" for figure in tui.compare(state, wide).regressions), sep="\n")

# %% A program that is compiled already, on an array; and a run of earlier.
again = tui.run(state.directory / "artifacts" / "model.pte", [image.numpy()])
print((again.outputs()[0] == output).all(), tui.open(state.run.id) == state)
