"""Four small models whose forward pass also returns what each nonlinearity put out, so that hooks can be checked."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Pass = tuple[Tensor, list[Tensor]]


class MLP(nn.Module):
    """Two hidden ReLU layers on 64 pixels."""

    def __init__(self, width: int = 256) -> None:
        super().__init__()
        self.first, self.second, self.out = nn.Linear(64, width), nn.Linear(width, width), nn.Linear(width, 10)
        self.hidden1, self.hidden2 = nn.ReLU(), nn.ReLU()

    def forward(self, x: Tensor) -> Pass:
        """Logits (n, 10) and the two hidden activations."""
        one = self.hidden1(self.first(x))
        two = self.hidden2(self.second(one))
        return self.out(two), [one, two]


class CNN(nn.Module):
    """Two convolutions of 3 x 3 with 32 and 64 channels, pooling, and one dense layer, on images of 8 x 8 pixels."""

    def __init__(self, channels: tuple[int, int] = (32, 64), width: int = 128) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, channels[0], 3, padding=1)
        self.second = nn.Conv2d(channels[0], channels[1], 3, padding=1)
        self.third, self.out = nn.Linear(16 * channels[1], width), nn.Linear(width, 10)
        self.conv1, self.conv2, self.dense = nn.ReLU(), nn.ReLU(), nn.ReLU()

    def forward(self, x: Tensor) -> Pass:
        """Logits (n, 10) and the three hidden activations, of convolutions (n, channels, 8, 8)."""
        one = self.conv1(self.first(x.reshape(-1, 1, 8, 8)))
        two = self.conv2(self.second(one))
        three = self.dense(self.third(F.max_pool2d(two, 2).flatten(1)))
        return self.out(three), [one, two, three]


class Block(nn.Module):
    """Causal attention and a ReLU layer, each after layer normalisation and added to the stream."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.mix = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.act, self.down = nn.Linear(width, 4 * width), nn.ReLU(), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The stream after the block, and the activations of its ReLU layer."""
        n, length, width = x.shape
        parts = self.qkv(self.norm1(x)).reshape(n, length, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.mix(mixed.transpose(1, 2).reshape(n, length, width))
        active = self.act(self.up(self.norm2(x)))
        return x + self.down(active), active


class Transformer(nn.Module):
    """Two blocks of width 64 on sequences of characters."""

    def __init__(self, n_characters: int, length: int, width: int = 64, heads: int = 4) -> None:
        super().__init__()
        self.character, self.place = nn.Embedding(n_characters, width), nn.Embedding(length, width)
        self.block1, self.block2 = Block(width, heads), Block(width, heads)
        self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, n_characters)
        for table in (self.character, self.place):
            nn.init.normal_(table.weight, std=0.05)

    def stream(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The residual stream after the first block, and the activations of that block."""
        start = self.character(x) + self.place(torch.arange(x.shape[1]))
        after, active = self.block1(start)
        return after, active

    def forward(self, x: Tensor) -> Pass:
        """Logits (n, length, characters) and the activations of both blocks, (n, length, 256)."""
        middle, one = self.stream(x)
        last, two = self.block2(middle)
        return self.out(self.norm(last)), [one, two]


class TopK(nn.Module):
    """Keep the k largest of the positive inputs, zero the others."""

    def __init__(self, k: int) -> None:
        super().__init__()
        self.k = k

    def forward(self, x: Tensor) -> Tensor:
        """Same shape as `x`."""
        values, places = x.topk(self.k, dim=-1)
        return torch.zeros_like(x).scatter(-1, places, F.relu(values))


class SparseAutoencoder(nn.Module):
    """A vector as a sum of at most k of many directions."""

    def __init__(self, width: int = 64, n_latents: int = 1024, k: int = 8) -> None:
        super().__init__()
        self.encode, self.latents, self.decode = nn.Linear(width, n_latents), TopK(k), nn.Linear(n_latents, width)
        with torch.no_grad():
            self.encode.weight.copy_(F.normalize(self.encode.weight, dim=1))
            self.encode.bias.zero_()
            self.decode.weight.copy_(self.encode.weight.T)

    def forward(self, x: Tensor) -> Pass:
        """The vectors again, and the latents."""
        latents = self.latents(self.encode(x))
        return self.decode(latents), [latents]
