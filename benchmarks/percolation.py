"""Percolation against its peers: labels, sizes, trees."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, stats
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

from neuroscale.percolation import BetheLattice, choose_marks, cluster_sizes, nearest_neighbour, sample_tree

from .harness import Row, interleaved, peak_memory


@dataclass(frozen=True)
class Sizes:
    """How large each case is."""

    repeats: int = 7
    grown: tuple[int, int] = (20_000, 100_000)
    tree: int = 1_000_000
    boxes: tuple[tuple[int, int], ...] = ((2, 4096), (3, 256), (4, 64), (6, 16))


#: site threshold and the speed that is promised, by dimension
_BOXES = {2: (0.592746, 1.3), 3: (0.3116077, 3.0), 4: (0.196886, 5.0), 6: (0.109017, 10.0)}


def box_cluster_sizes(sizes: Sizes) -> list[Row]:
    """Sizes of all clusters of a critical box: one hyperplane of labels against labels of the whole box, counted."""
    rows = []
    for dimension, length in sizes.boxes:
        p, factor = _BOXES[dimension]
        box = np.random.default_rng(1).random((length,) * dimension) < p
        found: dict[str, NDArray[np.int64]] = {}

        def ours(box: NDArray[np.bool_] = box, found: dict[str, NDArray[np.int64]] = found) -> None:
            found["ours"] = cluster_sizes(box)

        def peer(box: NDArray[np.bool_] = box, found: dict[str, NDArray[np.int64]] = found) -> None:
            found["peer"] = np.bincount(ndimage.label(box)[0].ravel())[1:]

        seconds = interleaved({"ours": ours, "peer": peer}, sizes.repeats)
        same = np.array_equal(np.sort(found["ours"]), np.sort(found["peer"]))
        memory = peak_memory(ours) / peak_memory(peer)
        note = (
            f"d={dimension}, L={length}, p={p}; {found['ours'].size} sizes, {'equal' if same else 'NOT equal'}; "
            f"{memory:.2f} of the peer's memory beside the box"
        )
        met = same and seconds["peer"] >= factor * seconds["ours"]
        name, target = f"box sizes, {dimension}D", f">= {factor:g}"
        rows.append(Row(name, seconds["ours"], "ndimage.label + bincount", seconds["peer"], target, met, note))
    return rows


def tree_nearest_neighbour(sizes: Sizes) -> list[Row]:
    """Nearest marks on a critical tree: two passes against scipy's Dijkstra, whose graph is built beforehand."""
    parents = sample_tree(sizes.tree, 200, rng=1)
    marks = choose_marks(sizes.tree, sizes.tree // 1000, rng=2)
    child, known = np.arange(1, sizes.tree), np.flatnonzero(marks)
    edges = np.concatenate([child, parents[1:]]), np.concatenate([parents[1:], child])
    graph = coo_matrix((np.ones(2 * child.size), edges), shape=(sizes.tree, sizes.tree)).tocsr()
    seconds = interleaved(
        {
            "ours": lambda: nearest_neighbour(parents, marks),
            "peer": lambda: dijkstra(graph, indices=known, min_only=True),
        },
        sizes.repeats,
    )
    ours, peer = seconds["ours"], seconds["peer"]
    same = bool((nearest_neighbour(parents, marks)[0] == dijkstra(graph, indices=known, min_only=True)).all())
    note = f"{sizes.tree} sites, {known.size} marks; distances {'equal' if same else 'NOT equal'}; graph not timed"
    return [Row("tree, nearest mark", ours, "csgraph.dijkstra", peer, ">= 30", same and peer >= 30 * ours, note)]


def cluster_sizes_by_growth(sizes: Sizes) -> list[Row]:
    """Sizes of critical clusters by growth: blocks of waiting sites against one draw a site, both compiled."""
    n, cap = sizes.grown
    rows = []
    for degree in (3, 200):
        lattice = BetheLattice.critical(degree)
        drawn: dict[str, int] = {}

        def ours(lattice: BetheLattice = lattice, drawn: dict[str, int] = drawn) -> None:
            drawn["ours"] = int(lattice.sample_sizes(n, cap=cap, rng=1).sum())

        def peer(lattice: BetheLattice = lattice, drawn: dict[str, int] = drawn) -> None:
            out = np.empty(n, dtype=np.int64)
            p, trials = lattice.occupation, (lattice.degree, lattice.degree - 1)
            root, rest = (stats.binom.cdf(np.arange(min(m, 40) + 1), m, p) for m in trials)
            _one_by_one(np.random.default_rng(1), root, rest, cap, out)
            drawn["peer"] = int(out.sum())

        seconds = interleaved({"ours": ours, "peer": peer}, sizes.repeats)
        rate = {key: drawn[key] / seconds[key] for key in drawn}
        per_site = seconds["peer"] * drawn["ours"] / drawn["peer"]
        note = (
            f"z={degree}, {n} clusters, cap {cap}: {rate['ours'] / 1e6:.0f} against "
            f"{rate['peer'] / 1e6:.0f} M sites/s; the peer scaled to our number of sites"
        )
        target = ">= 100 M sites/s"
        rows.append(
            Row("cluster sizes", seconds["ours"], "numba, a draw a site", per_site, target, rate["ours"] >= 1e8, note)
        )
    return rows


@numba.njit(cache=True)
def _draw(rng: np.random.Generator, table: NDArray[np.float64]) -> int:
    u, k = rng.random(), 0
    while k < table.size - 1 and u >= table[k]:
        k += 1
    return k


@numba.njit(cache=True)
def _one_by_one(
    rng: np.random.Generator, root: NDArray[np.float64], rest: NDArray[np.float64], cap: int, out: NDArray[np.int64]
) -> None:
    for i in range(out.size):
        waiting, size = _draw(rng, root), 1
        while waiting > 0 and size <= cap:
            waiting += _draw(rng, rest) - 1
            size += 1
        out[i] = size


CASES = (box_cluster_sizes, cluster_sizes_by_growth, tree_nearest_neighbour)
