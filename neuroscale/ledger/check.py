"""Checks that decide claims: each raises when it fails, and prints one line that the reader sees.

A check belongs to a claim of the ledger (or to ``"exercise"``), and must be able to fail.  A symbolic check therefore
perturbs its own formula - flips signs, shifts exponents, doubles factors - and demands that every
perturbed formula is rejected at the points where the true one was accepted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import mpmath as mp
import numpy as np
import sympy as sp
from numpy.typing import ArrayLike
from sympy.core.function import AppliedUndef

from .claims import claim

__all__ = ["CheckFailed", "close", "law", "perturbations", "symbolic", "that"]

#: Claim identifier for the checks of exercises, which decide no claim.
EXERCISE = "exercise"

_DIGITS = 40
_AGREE = mp.mpf("1e-30")
_POINTS = 12


class CheckFailed(AssertionError):
    """A check failed, or could not have failed."""


def _report(claim_id: str, text: str) -> None:
    if claim_id != EXERCISE:
        claim(claim_id)
    print(f"\N{CHECK MARK} {claim_id}: {text}")


def _fail(claim_id: str, text: str) -> CheckFailed:
    return CheckFailed(f"{claim_id}: {text}")


# -- symbols ------------------------------------------------------------------------------------------------------


def symbolic(claim_id: str, left: Any, right: Any) -> None:
    """Check that two expressions are equal, as symbols and at random points in high precision.

    Parameters
    ----------
    claim_id
        Identifier in the ledger, or ``"exercise"``.
    left, right
        sympy expressions.  Points are drawn inside the assumptions of their symbols; an undefined function becomes a
        random smooth function, so that identities between derivatives can be checked.

    Raises
    ------
    CheckFailed
        When sympy cannot reduce the difference to zero, when the sides differ beyond 30 digits at one of
        12 random points, or when a perturbed formula would have passed as well.
    KeyError
        For an unknown claim.

    Examples
    --------
    >>> import sympy as sp
    >>> from neuroscale.ledger import check
    >>> x = sp.Symbol("x", positive=True)
    >>> check.symbolic("exercise", sp.diff(x**3, x), 3 * x**2)
    ✓ exercise: equal as symbols and at 12 points; 3 perturbed formulas rejected
    """
    left, right = sp.sympify(left), sp.sympify(right)
    if not _zero_as_symbols(left - right):
        raise _fail(claim_id, f"sympy does not reduce the difference to zero:\n  {left}\n  {right}")
    probe = _Probe(left, right)
    differs = probe.disagreement()
    if differs is not None:
        raise _fail(claim_id, f"equal as symbols, but not at {differs}:\n  {left}\n  {right}")
    if probe.vanishes:
        raise _fail(claim_id, "both sides vanish at every point, so that no perturbation could be noticed")
    mutants = list(perturbations(right))
    survivors = [mutant for mutant in mutants if probe.accepts(mutant)]
    if survivors:
        raise _fail(claim_id, f"accepts the perturbed formula {survivors[0]} as well as {right}")
    where = f"at {len(probe.points)} points" if len(probe.points) > 1 else "numerically"
    _report(claim_id, f"equal as symbols and {where}; {len(mutants)} perturbed formulas rejected")


def perturbations(formula: sp.Expr) -> Iterator[sp.Expr]:
    """Wrong versions of a formula: the whole negated, a term's sign, an exponent, or a factor changed.

    Parameters
    ----------
    formula
        sympy expression.

    Yields
    ------
    sympy.Expr
        One changed expression for each place, the first twelve places at most.

    Examples
    --------
    >>> import sympy as sp
    >>> from neuroscale.ledger.check import perturbations
    >>> x, y = sp.symbols("x y", positive=True)
    >>> [str(p) for p in perturbations(x**2 + y)]
    ['-x**2 - y', '2*x**2 + 2*y', 'x**2 - y', '-x**2 + y', 'x**3 + y']
    """
    yield -formula
    yield 2 * formula
    budget = 12
    for node in _nodes(formula):
        changes = []
        if isinstance(node, sp.Add):
            changes = [node - 2 * term for term in node.args[:3]]
        elif isinstance(node, sp.Pow) and node.base.free_symbols:
            changes = [node.base ** (node.exp + 1)]
        elif isinstance(node, sp.Function) and len(node.args) == 1 and node.args[0].free_symbols:
            changes = [node.func(2 * node.args[0])]
        for change in changes:
            if budget == 0:
                return
            budget -= 1
            yield formula.xreplace({node: change})


def _nodes(formula: sp.Expr) -> list[sp.Expr]:
    """Distinct subexpressions outside derivatives and integrals, whose variables must stay symbols."""
    found: list[sp.Expr] = []
    walk = sp.preorder_traversal(formula)
    for node in walk:
        if isinstance(node, sp.Derivative | sp.Integral | sp.Sum | sp.Product | AppliedUndef):
            walk.skip()
        elif isinstance(node, sp.Expr) and node not in found:
            found.append(node)
    return found


def _zero_as_symbols(difference: sp.Expr) -> bool:
    if difference.has(AppliedUndef, sp.Derivative):
        difference = difference.doit()
    attempts: tuple[Callable[[sp.Expr], sp.Expr], ...] = (
        lambda e: e,
        sp.expand,
        sp.simplify,
        sp.gammasimp,
        lambda e: sp.simplify(sp.expand_func(e)),
        lambda e: sp.simplify(sp.expand_log(sp.powsimp(e), force=True)),
        lambda e: sp.simplify(e.rewrite(sp.gamma)),
    )
    return any(attempt(difference) == 0 for attempt in attempts)


class _Probe:
    """Random points at which both sides are finite, and the values there."""

    def __init__(self, left: sp.Expr, right: sp.Expr) -> None:
        self._rng = np.random.default_rng(20241218)
        self._symbols = sorted(left.free_symbols | right.free_symbols, key=str)
        functions = {f.func for side in (left, right) for f in side.atoms(AppliedUndef)}
        self._functions = {f: self._random_function() for f in sorted(functions, key=str)}
        self.points: list[list[mp.mpf]] = []
        self._left: list[Any] = []
        self._right: list[Any] = []
        wanted = _POINTS if self._symbols else 1
        sides = [self._compiled(side) for side in (left, right)]
        for _ in range(5 * wanted):
            point = [self._draw(symbol) for symbol in self._symbols]
            values = [self._value(side, point) for side in sides]
            if all(mp.isfinite(value) for value in values) and len(self.points) < wanted:
                self.points.append(point)
                self._left.append(values[0])
                self._right.append(values[1])
        if len(self.points) < wanted:
            raise CheckFailed(f"no {wanted} points at which both sides are finite:\n  {left}\n  {right}")

    @property
    def vanishes(self) -> bool:
        return all(abs(value) < _AGREE for value in self._left)

    def disagreement(self) -> dict[str, float] | None:
        """The first point at which the sides differ, or None."""
        for point, left, right in zip(self.points, self._left, self._right, strict=True):
            if not self._same(left, right):
                return {str(symbol): float(value) for symbol, value in zip(self._symbols, point, strict=True)}
        return None

    def accepts(self, formula: sp.Expr) -> bool:
        """Whether ``formula`` agrees with the left side at every point."""
        compiled = self._compiled(formula)
        return all(
            self._same(left, self._value(compiled, point)) for point, left in zip(self.points, self._left, strict=True)
        )

    @staticmethod
    def _same(left: Any, right: Any) -> bool:
        return bool(mp.isfinite(right) and abs(left - right) <= _AGREE * max(abs(left), abs(right)))

    def _compiled(self, formula: sp.Expr) -> Callable[..., Any]:
        for function, replacement in self._functions.items():
            formula = formula.replace(function, replacement)
        compiled: Callable[..., Any] = sp.lambdify(self._symbols, formula.doit(), "mpmath")
        return compiled

    @staticmethod
    def _value(compiled: Callable[..., Any], point: list[mp.mpf]) -> Any:
        with mp.workdps(_DIGITS):
            try:
                return mp.mpmathify(compiled(*point))
            except (ZeroDivisionError, ValueError, OverflowError):
                return mp.nan

    def _draw(self, symbol: sp.Symbol) -> mp.mpf:
        if symbol.is_integer:
            return mp.mpf(int(self._rng.integers(1, 12)))
        with mp.workdps(_DIGITS):
            size = mp.mpf(int(self._rng.integers(1, 4000))) / 997
        return size if symbol.is_nonnegative or self._rng.random() < 0.5 else -size

    def _random_function(self) -> Callable[..., sp.Expr]:
        weights = [sp.Rational(int(w), 89) for w in self._rng.integers(20, 150, 3)]

        def smooth(*arguments: sp.Expr) -> sp.Expr:
            total = sum(arguments, sp.Integer(0))
            return weights[0] + weights[1] * total + sp.exp(-weights[2] * total)

        return smooth


# -- numbers ------------------------------------------------------------------------------------------------------


def close(claim_id: str, value: ArrayLike, reference: ArrayLike, rtol: float) -> None:
    """Check that numbers agree with a reference to a relative tolerance.

    Parameters
    ----------
    claim_id
        Identifier in the ledger, or ``"exercise"``.
    value, reference
        Finite numbers or arrays of one shape; where the reference is 0 the value must be 0.
    rtol
        Largest relative error, in (0, 0.5].

    Raises
    ------
    CheckFailed
        When shapes differ, a number is not finite, the input is empty, or an error exceeds `rtol`.
    ValueError
        For `rtol` outside its range.

    Examples
    --------
    >>> from neuroscale.ledger import check
    >>> check.close("exercise", 3.1416, 3.14159265, rtol=1e-5)
    ✓ exercise: largest relative error 2.3e-06, allowed 1e-05
    """
    if not 0 < rtol <= 0.5:
        raise ValueError(f"rtol={rtol!r} must be in (0, 0.5]")
    got, wanted = np.asarray(value, dtype=float), np.asarray(reference, dtype=float)
    if got.shape != wanted.shape or got.size == 0:
        raise _fail(claim_id, f"shapes {got.shape} and {wanted.shape} must be equal and not empty")
    if not (np.all(np.isfinite(got)) and np.all(np.isfinite(wanted))):
        raise _fail(claim_id, "a number is not finite")
    error = np.abs(got - wanted)
    scale = np.abs(wanted)
    relative = np.divide(error, scale, out=np.where(error == 0, 0.0, np.inf), where=scale > 0)
    worst = float(np.max(relative))
    if not worst <= rtol:
        at = np.unravel_index(np.argmax(relative), relative.shape)
        raise _fail(claim_id, f"relative error {worst:.2g} exceeds {rtol:g}: {got[at]!r} against {wanted[at]!r}")
    _report(claim_id, f"largest relative error {worst:.1e}, allowed {rtol:g}")


def law(claim_id: str, sample: ArrayLike, distribution: Any, alarm: float) -> None:
    """Check a sample against its law by a test with a stated false-alarm rate.

    Parameters
    ----------
    claim_id
        Identifier in the ledger, or ``"exercise"``.
    sample
        At least 100 independent draws.
    distribution
        Frozen scipy distribution.  Continuous laws get the Kolmogorov-Smirnov test; discrete ones a chi-squared test on
        cells of equal expected size, whose edges do not depend on the sample.
    alarm
        Probability that a correct sampler fails, in [1e-12, 0.01].

    Raises
    ------
    CheckFailed
        When the p-value is below `alarm`.
    ValueError
        For a sample that is too small to fail or an `alarm` outside its range.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import stats
    >>> from neuroscale.ledger import check
    >>> rng = np.random.default_rng(1)
    >>> check.law("exercise", rng.poisson(4, 1000), stats.poisson(4), alarm=1e-6)
    ✓ exercise: 1000 draws follow their law, p = 0.87 (chi-squared, false-alarm rate 1e-06)
    """
    draws = np.asarray(sample, dtype=float).ravel()
    if not 1e-12 <= alarm <= 0.01:
        raise ValueError(f"alarm={alarm!r} must be in [1e-12, 0.01]")
    if draws.size < 100 or not np.all(np.isfinite(draws)):
        raise ValueError(f"sample holds {draws.size} draws; at least 100 finite ones are needed")
    from scipy import stats  # late: it takes longer to import than all the rest, and few chapters test a law

    if hasattr(distribution.dist, "pmf"):
        name, p = "chi-squared", _discrete_p_value(draws, distribution)
    else:
        name, p = "Kolmogorov-Smirnov", float(stats.kstest(draws, distribution.cdf).pvalue)
    if not p >= alarm:
        raise _fail(claim_id, f"{draws.size} draws contradict their law: p = {p:.2g} < {alarm:g} ({name})")
    _report(claim_id, f"{draws.size} draws follow their law, p = {p:.2g} ({name}, false-alarm rate {alarm:g})")


def _discrete_p_value(draws: np.ndarray[Any, np.dtype[np.float64]], distribution: Any) -> float:
    """Chi-squared p-value on at most 32 cells that each expect ten draws or more."""
    from scipy import stats

    pilot = distribution.rvs(size=2000, random_state=np.random.default_rng(7))
    cuts = np.unique(np.quantile(pilot, np.linspace(0.02, 0.98, 32), method="inverted_cdf"))
    below = np.concatenate([[0.0], distribution.cdf(cuts), [1.0]])
    expected = np.diff(below) * draws.size
    observed = np.histogram(draws, np.concatenate([[-np.inf], cuts + 0.5, [np.inf]]))[0].astype(float)
    cells: list[list[float]] = [[0.0, 0.0]]
    for seen, mean in zip(observed, expected, strict=True):
        if cells[-1][1] >= 10.0:
            cells.append([0.0, 0.0])
        cells[-1][0] += seen
        cells[-1][1] += mean
    if len(cells) > 1 and cells[-1][1] < 10.0:
        last = cells.pop()
        cells[-1] = [cells[-1][0] + last[0], cells[-1][1] + last[1]]
    if len(cells) < 2:
        raise ValueError("the law puts all of its mass on one cell: no sample could contradict it")
    table = np.array(cells)
    return float(stats.chisquare(table[:, 0], table[:, 1] * draws.size / table[:, 1].sum()).pvalue)


def that(claim_id: str, condition: bool | np.bool_, saw: str) -> None:
    """Check a condition, and print what was seen.

    Parameters
    ----------
    claim_id
        Identifier in the ledger, or ``"exercise"``.
    condition
        A boolean; anything else is refused, since a non-empty list would always pass.
    saw
        What the reader should know: the numbers behind the condition.

    Raises
    ------
    CheckFailed
        When the condition is false.
    TypeError
        When it is not a boolean.

    Examples
    --------
    >>> from neuroscale.ledger import check
    >>> check.that("exercise", 2 + 2 == 4, "2 + 2 = 4")
    ✓ exercise: 2 + 2 = 4
    """
    if not isinstance(condition, bool | np.bool_ | sp.logic.boolalg.BooleanAtom):
        raise TypeError(f"condition={condition!r} must be a boolean")
    if not condition:
        raise _fail(claim_id, f"does not hold: {saw}")
    _report(claim_id, saw)
