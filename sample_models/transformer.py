"""One transformer encoder block, 32 tokens of 64 channels.

Pre-norm, four heads, GELU: A. Vaswani et al., "Attention Is All You Need", 2017, with the layer norms moved in front
(R. Xiong et al., 2020). Attention is written out, so that each of its steps shows as an operator.
"""

import torch
from torch import nn


class Attention(nn.Module):
    """Multi-head self-attention over (N, tokens, channels)."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(channels, channels)
        self.key = nn.Linear(channels, channels)
        self.value = nn.Linear(channels, channels)
        self.out = nn.Linear(channels, channels)

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        n, tokens, channels = x.shape
        return x.view(n, tokens, self.heads, channels // self.heads).transpose(1, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Attention of every token to every other."""
        q, k, v = self._split(self.query(x)), self._split(self.key(x)), self._split(self.value(x))
        scores = q @ k.transpose(-2, -1) * (q.shape[-1] ** -0.5)
        mixed = torch.softmax(scores, dim=-1) @ v
        return self.out(mixed.transpose(1, 2).reshape(x.shape))


class Block(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x)); (N, tokens, channels) in and out."""

    def __init__(self, channels: int = 64, heads: int = 4, expansion: int = 4) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attention = Attention(channels, heads)
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = nn.Sequential(
            nn.Linear(channels, channels * expansion), nn.GELU(), nn.Linear(channels * expansion, channels)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """One encoder block."""
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


def _model() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        return Block().eval()


def _tokens(seed: int) -> tuple[torch.Tensor]:
    return (torch.randn(1, 32, 64, generator=torch.Generator().manual_seed(seed)),)


ModelUnderTest = _model()
ModelInputs = _tokens(0)
ModelCalibration = [_tokens(seed) for seed in range(8)]
