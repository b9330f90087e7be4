"""Part IV: the theories against real networks: counts, laws, forecasts, geometry, pruning and learning curves."""
