"""Draw the picture that stands for the book in a link: ``python tools/social_preview.py`` (1200 by 630 pixels)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from neuroscale.activation import ActivationLaw, sample_histogram
from neuroscale.plotting import CYCLE, INK

TARGET = Path("_static/social-preview.png")
SAMPLES = 10**13


def draw() -> Figure:
    """The figure of the preface, with the title of the book."""
    law = ActivationLaw(n_neurons=10**11, n_active=10**5, b=0.5)
    edges = np.unique(np.geomspace(1, 2e9, 60).astype(int))
    neurons = sample_histogram(law, SAMPLES, edges, rng=1)
    k = np.sqrt(edges[:-1] * (edges[1:] - 1.0))
    figure = Figure(figsize=(12, 6.3), dpi=100, facecolor="white")
    figure.text(0.055, 0.80, "Neuroscale", fontsize=44, fontweight="bold", color=INK)
    subtitle = "The mathematics\nof neural scaling,\nexecuted and checked"
    figure.text(0.055, 0.72, subtitle, fontsize=25, color=INK, va="top", linespacing=1.4)
    figure.text(
        0.055, 0.33, "Every equation is executed.\nEvery claim has a verdict.", fontsize=19, color="#57606a", va="top"
    )
    ax = figure.add_axes((0.57, 0.15, 0.39, 0.74))
    seen = neurons > 0
    exact = np.exp(law.log_count_pmf(np.floor(k), SAMPLES))
    ax.loglog(k[seen], exact[seen], color=CYCLE[1], lw=4, label="exact law")
    balance = exact[0] * (k[0] + law.b) / (k + law.b)
    ax.loglog(k[seen], balance[seen], "--", color=CYCLE[2], lw=3, label="balance law: refuted")
    density = neurons / np.diff(edges) / law.n_neurons
    ax.loglog(k[seen], density[seen], "o", color=CYCLE[0], ms=7, label="10¹¹ simulated neurons")
    ax.set_xlabel("times a neuron was active", fontsize=17, color=INK)
    ax.set_ylabel("share of neurons", fontsize=17, color=INK)
    ax.tick_params(labelsize=13, colors=INK)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(fontsize=14, frameon=False, loc="lower left", labelcolor=INK)
    return figure


if __name__ == "__main__":
    draw().savefig(TARGET, metadata={"Software": None})
    print(TARGET)
