"""Percolation: clusters, data made of clusters, learners on them, and the scaling laws that follow."""
