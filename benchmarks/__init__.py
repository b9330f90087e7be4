"""Benchmarks of the activation process, each with its peer in the same run: ``python -m benchmarks``."""
