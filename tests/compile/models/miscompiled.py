"""Two networks that Vela 5.1 miscompiles with 16-bit activations: an MLP over tokens, and an LSTM's gates."""

import torch
from torch import nn


class Net(nn.Module):
    """Features of 6 tokens, and the state of one step."""

    def __init__(self) -> None:
        super().__init__()
        self.wide = nn.Linear(8, 16)
        self.narrow = nn.Linear(16, 8)
        self.gates = nn.Linear(8, 32)

    def forward(self, tokens: torch.Tensor, step: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Both networks, each on its own input."""
        i, _, g, o = self.gates(step).chunk(4, 1)
        cell = torch.sigmoid(i) * torch.tanh(g)
        return self.narrow(torch.relu(self.wide(tokens))), torch.sigmoid(o) * torch.tanh(cell)


torch.manual_seed(0)
ModelUnderTest = Net().eval()
ModelInputs = (torch.randn(1, 6, 8), torch.randn(1, 8))
