"""Part IV's large experiments: run once, recorded with their provenance, loaded by the chapters.

``python -m experiments`` records all of them, ``python -m experiments NAME ...`` the named ones.  An experiment is a
module of this package with ``SEEDS``, ``ARGUMENTS``, ``PACKAGES`` (whose versions matter) and
``run(seeds, **arguments)``, which returns named arrays; its docstring says what was done.
"""
