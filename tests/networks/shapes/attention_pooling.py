"""Text classifier: token embeddings, pooled by learned attention that leaves out padding."""

import torch
from torch import nn


class TextClassifier(nn.Module):
    """Scores (N, 4) of token numbers (N, 16); number 0 is padding."""

    def __init__(self, words: int = 200, width: int = 32) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, width, padding_idx=0)
        self.score = nn.Sequential(nn.Linear(width, 16), nn.Tanh(), nn.Linear(16, 1))
        self.classifier = nn.Linear(width, 4)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Scores of a batch of sentences."""
        x = self.embedding(tokens)
        scores = self.score(x).squeeze(-1)
        scores = scores.masked_fill(tokens == 0, float("-inf"))
        weights = torch.softmax(scores, dim=-1)
        return self.classifier((weights.unsqueeze(-1) * x).sum(dim=1))


def sentence() -> torch.Tensor:
    """Eleven words and padding."""
    tokens = torch.randint(1, 200, (1, 16))
    tokens[:, 11:] = 0
    return tokens


torch.manual_seed(17)

ModelUnderTest = TextClassifier().eval()
ModelInputs = (sentence(),)
ModelCalibration = [(sentence(),) for _ in range(8)]
