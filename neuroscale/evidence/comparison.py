"""Fit several laws to the same counts and compare them by Akaike's criterion."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from numpy.typing import ArrayLike

from neuroscale import _validation as valid

from .laws import LAWS, LawFit, fit_law

__all__ = ["LawTable", "compare_laws"]


@dataclass(frozen=True, eq=False)
class LawTable:
    """Fits of several laws to the same counts, the best first.

    Attributes
    ----------
    fits : tuple of LawFit
        By rising Akaike criterion.
    failures : dict of str to str
        Laws that have no fit, and why.
    """

    fits: tuple[LawFit, ...]
    failures: dict[str, str]

    @property
    def best(self) -> LawFit:
        """The fit with the least criterion."""
        return self.fits[0]

    def __getitem__(self, name: str) -> LawFit:
        """The fit of a law by its name."""
        for fit in self.fits:
            if fit.name == name:
                return fit
        raise KeyError(f"{name!r}: {self.failures.get(name, 'not in this table')}")

    def difference(self, name: str) -> float:
        """Criterion of a law minus the least.

        Parameters
        ----------
        name : str
            A law of this table.
        """
        return self[name].aic - self.best.aic

    def __repr__(self) -> str:
        """A row a law: criterion above the least, chi-squared p-value, parameters with standard errors."""
        rows = [f"{'law':<20} {'ΔAIC':>8} {'p':>7}  parameters"]
        for fit in self.fits:
            parts = [f"{name}={value:.4g}±{fit.standard_error(name):.2g}" for name, value in fit.parameters.items()]
            rows.append(f"{fit.name:<20} {fit.aic - self.best.aic:8.1f} {fit.p_value:7.3f}  {', '.join(parts)}")
        rows += [f"{name:<20} {'-':>8} {'-':>7}  no fit: {reason}" for name, reason in self.failures.items()]
        return "\n".join(rows)


def compare_laws(counts: ArrayLike, n_samples: int, laws: Iterable[str] = LAWS) -> LawTable:
    """Fit several laws to the same counts and sort them by Akaike's criterion.

    Parameters
    ----------
    counts, n_samples
        As for :func:`fit_law`.
    laws : iterable of str
        Names from ``LAWS``.

    Returns
    -------
    LawTable
        A law without a fit is listed with the reason; it prints as a table.

    Raises
    ------
    ValueError
        For arguments outside their range, and when no law has a fit.

    Examples
    --------
    >>> from neuroscale.activation import ActivationLaw, sample_counts
    >>> from neuroscale.evidence import compare_laws
    >>> counts = sample_counts(ActivationLaw(4000, 800, 1.0), 200, rng=0)
    >>> compare_laws(counts, 200).difference("negative-binomial") > 10    # rates of 0.2 are not rare
    True
    """
    D = valid.integer("n_samples", n_samples, low=2, high=2**53)
    array = valid.integers("counts", counts, low=0, high=D).ravel()
    fits, failures = [], {}
    for name in dict.fromkeys(laws):
        valid.choice("laws", name, LAWS)
        try:
            fits.append(fit_law(array, D, name))
        except ValueError as error:
            failures[name] = str(error)
    if not fits:
        raise ValueError("counts: no law has a fit: " + "; ".join(f"{n}: {why}" for n, why in failures.items()))
    return LawTable(tuple(sorted(fits, key=lambda fit: fit.aic)), failures)
