"""Percolation: clusters, data made of clusters, learners on them, and the scaling laws that follow."""

from .scaling import nearest_neighbour_loss as nearest_neighbour_loss
from .scaling import return_probability as return_probability
