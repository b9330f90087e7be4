"""Labels and sizes of the clusters of boxes, against other libraries and exact laws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage, sparse, stats
from scipy.sparse import csgraph

from benchmarks.harness import peak_memory
from neuroscale.percolation import bond_cluster_labels, cluster_labels, cluster_sizes, streamed_cluster_sizes

ALARM = 1e-6
SHAPES = [(1,), (50,), (1, 5), (5, 1), (7, 9), (64, 64), (20, 13, 7), (9, 8, 7, 6), (6,) * 5, (4,) * 6, (2,) * 8]


def periodic_by_graph(occupied: np.ndarray) -> np.ndarray:
    """Sizes of clusters by scipy's graph routine, opposite faces joined."""
    sites = np.arange(occupied.size).reshape(occupied.shape)
    pairs = [
        np.stack([sites, np.roll(sites, -1, axis)])[:, occupied & np.roll(occupied, -1, axis)]
        for axis in range(occupied.ndim)
    ]
    rows, columns = np.concatenate(pairs, axis=1)
    graph = sparse.coo_array((np.ones(rows.size), (rows, columns)), shape=(occupied.size,) * 2)
    labels = csgraph.connected_components(graph, directed=False)[1]
    sizes = np.bincount(labels[occupied.ravel()])
    return np.sort(sizes[sizes > 0])


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("p", [0.0, 0.15, 0.4, 0.6, 0.9, 1.0])
def test_labels_and_sizes_are_scipys(shape: tuple[int, ...], p: float) -> None:
    occupied = np.random.default_rng(len(shape)).random(shape) < p
    labels, count = ndimage.label(occupied)
    assert np.array_equal(cluster_labels(occupied), labels)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    assert np.array_equal(np.sort(cluster_sizes(occupied)), np.sort(sizes))


@pytest.mark.parametrize(("length", "dimension"), [(40, 2), (12, 3), (7, 4), (5, 5), (4, 6), (2, 3)])
@pytest.mark.parametrize("p", [0.1, 0.3, 0.6])
def test_periodic_labels_are_those_of_the_graph(length: int, dimension: int, p: float) -> None:
    occupied = np.random.default_rng(dimension).random((length,) * dimension) < p
    labels = cluster_labels(occupied, periodic=True)
    assert np.array_equal(labels > 0, occupied)
    assert np.array_equal(np.sort(np.bincount(labels.ravel())[1:]), periodic_by_graph(occupied))


def test_sizes_need_the_labels_of_a_hyperplane_only() -> None:
    # many more clusters than the table holds: every label is used again and again
    occupied = np.random.default_rng(1).random((20_000, 7)) < 0.4
    labels, count = ndimage.label(occupied)
    sizes = np.sort(np.bincount(labels.ravel(), minlength=count + 1)[1:])
    assert np.array_equal(np.sort(cluster_sizes(occupied)), sizes)
    slabs = (occupied[start : start + 333] for start in range(0, 20_000, 333))
    assert np.array_equal(np.sort(streamed_cluster_sizes(slabs)), sizes)


def test_numbers_count_as_occupied_where_they_are_not_zero() -> None:
    box = np.array([[2, 0, -1], [0, 0, 0.5], [3, 0, 0]])
    assert np.array_equal(cluster_labels(box), cluster_labels(box != 0))
    assert cluster_labels(np.asfortranarray(box)).tolist() == [[1, 0, 2], [0, 0, 2], [3, 0, 0]]


@pytest.mark.parametrize("periodic", [False, True])
def test_bond_labels_at_the_extremes(periodic: bool) -> None:
    assert bond_cluster_labels(0.0, 4, 3, periodic=periodic, rng=1).ravel().tolist() == list(range(1, 65))
    assert (bond_cluster_labels(1.0, 4, 3, periodic=periodic, rng=1) == 1).all()


@pytest.mark.parametrize("periodic", [False, True])
def test_bond_labels_are_a_random_graphs_components(periodic: bool) -> None:
    # a cycle or path of n sites with k open bonds has n - k clusters, but a cycle of open bonds 1
    n, p = 12, 0.4
    counts = [bond_cluster_labels(p, n, 1, periodic=periodic, rng=seed).max() for seed in range(1500)]
    bonds = n if periodic else n - 1
    expected = stats.binom.pmf(np.arange(bonds + 1), bonds, p)
    cells = n - np.arange(bonds + 1)
    if periodic:
        cells[-1] = 1
    law = np.bincount(cells, weights=expected, minlength=n + 1)
    seen = np.bincount(counts, minlength=n + 1).astype(float)
    often = law * 1500 >= 10
    table = np.append(seen[often], seen[~often].sum()), np.append(law[often], law[~often].sum()) * 1500
    assert stats.chisquare(*table).pvalue > ALARM


def test_bond_clusters_of_the_square_have_the_exact_numbers() -> None:
    # isolated sites: all four bonds closed; pairs: one open bond, six closed; torus, so that no face disturbs
    p, length, runs = 0.3, 64, 20
    sizes = [np.bincount(bond_cluster_labels(p, length, 2, periodic=True, rng=s).ravel())[1:] for s in range(runs)]
    sites = runs * length**2
    for size, number in ((1, 0.7**4), (2, 2 * 0.3 * 0.7**6)):
        seen = sum(int((s == size).sum()) for s in sizes) / sites
        # clusters of neighbouring sites are dependent: their count has a variance of at most about ten times Poisson's
        assert abs(seen - number) < 5 * np.sqrt(10 * number / sites)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cluster_labels(np.zeros((0, 3))), "1 to 8 axes"),
        (lambda: cluster_labels(np.zeros((1,) * 9)), "1 to 8 axes"),
        (lambda: cluster_labels(["a"]), "booleans or numbers"),
        (lambda: cluster_sizes(np.zeros(())), "1 to 8 axes"),
        (lambda: streamed_cluster_sizes([]), "at least one"),
        (lambda: streamed_cluster_sizes([np.zeros(3)]), "2 to 8 axes"),
        (lambda: streamed_cluster_sizes([np.zeros((2, 3)), np.zeros((2, 4))]), r"slabs\[1\]"),
        (lambda: bond_cluster_labels(1.5, 4, 2, rng=1), "p=1.5"),
        (lambda: bond_cluster_labels(0.5, 1, 2, rng=1), "length=1"),
        (lambda: bond_cluster_labels(0.5, 100, 8, rng=1), "length=100"),
    ],
)
def test_bad_input(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()  # type: ignore[operator]


def test_sizes_take_a_fraction_of_the_memory_of_labels() -> None:
    box = np.random.default_rng(1).random((256, 64, 64)) < 0.3116077
    cluster_sizes(box[:2])  # compiles before memory is traced
    ours = peak_memory(lambda: cluster_sizes(box))
    peer = peak_memory(lambda: np.bincount(ndimage.label(box)[0].ravel())[1:])
    # labels take at least four bytes a site, sizes some hyperplanes of the 256, and the result: here a tenth in all
    assert peer > 4 * box.size
    assert ours < 0.2 * peer
