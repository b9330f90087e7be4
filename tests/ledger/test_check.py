"""Checks pass on what is true, fail on what is false, and refuse what could not have failed."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp
from scipy import stats

from neuroscale.ledger import check
from neuroscale.ledger.check import CheckFailed, perturbations

a, b, c, x, y, D, N = sp.symbols("a b c x y D N", positive=True)
z = sp.Symbol("z", real=True)
k = sp.Symbol("k", integer=True, positive=True)
f, g = sp.Function("f"), sp.Function("g")

#: True identities of the kinds that chapters check: (left, right).
IDENTITIES = {
    "separation": (
        sp.diff(N - (N - c) * ((x + a) / (D + a)) ** b, D),
        (N - c) * b * ((x + a) / (D + a)) ** b / (D + a),
    ),
    "solution": (sp.diff(N * (1 - (a / (D + a)) ** b), D), N * b / (D + a) * (a / (D + a)) ** b),
    "recurrence": (1 - b / (D + a), (D + a - b) / (D + a)),
    "gamma step": (sp.gamma(D + 1 + a), (D + a) * sp.gamma(D + a)),
    "log growth": (sp.diff(sp.log(1 - sp.exp(-x)), x), 1 / (sp.exp(x) - 1)),
    "crossover": ((a / (a * ((1 - y / (1 + y)) ** (-1 / b) - 1) + a)) ** b, 1 / (1 + y)),
    "exponential": (sp.exp(b * sp.log(a / (a + D))), (a / (a + D)) ** b),
    "integral": (sp.integrate(x**2, (x, 0, y)), y**3 / 3),
    "reuse": (c * D / (k * D), c / k),
    "trigonometric": (sp.cos(z) ** 2, 1 - sp.sin(z) ** 2),
    "constant": (sp.log(8), 3 * sp.log(2)),
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_symbolic_accepts_true_identities(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    check.symbolic("exercise", *IDENTITIES[name])
    printed = capsys.readouterr().out
    assert printed.startswith("✓ exercise: equal as symbols and ")
    assert "perturbed formulas rejected" in printed


@pytest.mark.parametrize("name", IDENTITIES)
def test_symbolic_rejects_every_perturbation(name: str) -> None:
    left, right = IDENTITIES[name]
    mutants = list(perturbations(right))
    assert len(mutants) >= 2
    for mutant in mutants:
        with pytest.raises(CheckFailed, match="exercise: "):
            check.symbolic("exercise", left, mutant)


@pytest.mark.parametrize(
    "wrong",
    [
        -N * b / (D + a) * (a / (D + a)) ** b,  # sign
        N * b / (D + a) * (a / (D + a)) ** (b + 1),  # exponent
        N * b / (D + a) * (a / (D + a)) ** (2 * b),
        2 * N * b / (D + a) * (a / (D + a)) ** b,  # factor
        N / (D + a) * (a / (D + a)) ** b,
        N * b / (D + b) * (a / (D + a)) ** b,  # symbol
        N * b / (D + a) * (a / (D + a)) ** b + sp.Rational(1, 10**25),  # a hair
    ],
)
def test_symbolic_rejects_slips(wrong: sp.Expr) -> None:
    with pytest.raises(CheckFailed, match="does not reduce the difference to zero"):
        check.symbolic("exercise", *(IDENTITIES["solution"][0], wrong))


def test_symbolic_rejects_the_slip_of_appendix_b() -> None:
    # the paper: ln N + b ln(1 - (a/e^x)^b); there is no factor b before the logarithm
    with pytest.raises(CheckFailed):
        check.symbolic("exercise", sp.log(N * (1 - (a / x) ** b)), sp.log(N) + b * sp.log(1 - (a / x) ** b))


@pytest.mark.parametrize(
    ("left", "right"), [(0, 0), (x - x, 0), (sp.sin(z) ** 2 + sp.cos(z) ** 2 - 1, 0), (f(x) - f(x), 0)]
)
def test_symbolic_rejects_vacuous_checks(left: object, right: object) -> None:
    with pytest.raises(CheckFailed, match="vanish at every point"):
        check.symbolic("exercise", left, right)


def test_symbolic_uses_the_assumptions_of_its_symbols() -> None:
    check.symbolic("exercise", sp.sqrt(x**2), x)
    check.symbolic("exercise", sp.log(x**y), y * sp.log(x))
    any_sign = sp.Symbol("w", real=True)
    with pytest.raises(CheckFailed):
        check.symbolic("exercise", sp.sqrt(any_sign**2), any_sign)
    check.symbolic("exercise", sp.cos(sp.pi * k), (-1) ** k)


def test_symbolic_is_not_deceived_by_forced_logarithms() -> None:
    # the attempt that forces log(u v) = log u + log v reduces this; the points do not
    u, v = sp.symbols("u v", real=True)
    with pytest.raises(CheckFailed):
        check.symbolic("exercise", sp.log(u * v), sp.log(u) + sp.log(v))


def test_symbolic_handles_undefined_functions() -> None:
    check.symbolic("exercise", sp.diff(f(x) * g(x), x), sp.diff(f(x), x) * g(x) + f(x) * sp.diff(g(x), x))
    check.symbolic("exercise", sp.diff(sp.log(f(x)), x), sp.diff(f(x), x) / f(x))
    check.symbolic(
        "exercise", sp.diff(f(x, y) ** 2, x, y) / 2, f(x, y).diff(x) * f(x, y).diff(y) + f(x, y) * f(x, y).diff(x, y)
    )
    with pytest.raises(CheckFailed):
        check.symbolic("exercise", sp.diff(f(x) * g(x), x), sp.diff(f(x), x) * sp.diff(g(x), x))


def test_symbolic_says_when_there_are_no_points() -> None:
    with pytest.raises(CheckFailed, match="no 12 points at which both sides are finite"):
        check.symbolic("exercise", *[1 / sp.floor(sp.sin(z) ** 2 / 2)] * 2)


def test_perturbations_change_sign_factor_exponent_and_argument() -> None:
    formula = sp.sin(x) ** 3 - y
    changed = set(perturbations(formula))
    assert formula not in changed
    wanted = {
        -formula,
        2 * formula,
        -(sp.sin(x) ** 3) - y,
        sp.sin(x) ** 3 + y,
        sp.sin(x) ** 4 - y,
        sp.sin(2 * x) ** 3 - y,
    }
    assert wanted <= changed


def test_perturbations_leave_variables_of_derivatives_alone() -> None:
    formula = sp.Derivative(f(x) ** 2, x) + x**2
    assert all(sp.Derivative(f(x) ** 2, x) in mutant.atoms(sp.Derivative) for mutant in perturbations(formula))


# -- numbers -----------------------------------------------------------------------------------------------------------


def test_close_passes_and_reports(capsys: pytest.CaptureFixture[str]) -> None:
    check.close("exercise", [1.0, 2.0, 0.0], [1.0, 2.0000002, 0.0], rtol=1e-6)
    assert capsys.readouterr().out == "✓ exercise: largest relative error 1.0e-07, allowed 1e-06\n"


@pytest.mark.parametrize(
    ("value", "reference", "message"),
    [
        (1.1, 1.0, r"relative error 0\.1 exceeds 0\.01"),
        (-1.0, 1.0, r"relative error 2 exceeds"),
        (1e-300, 0.0, r"relative error inf exceeds"),
        ([1.0, 2.0], [1.0], r"shapes \(2,\) and \(1,\) must be equal and not empty"),
        (1.0, [1.0], r"shapes \(\) and \(1,\)"),
        ([], [], r"must be equal and not empty"),
        (np.nan, 1.0, r"a number is not finite"),
        (np.inf, np.inf, r"a number is not finite"),
    ],
)
def test_close_fails(value: object, reference: object, message: str) -> None:
    with pytest.raises(CheckFailed, match=message):
        check.close("exercise", value, reference, rtol=0.01)  # type: ignore[arg-type]


@pytest.mark.parametrize("rtol", [0.0, -1e-3, 0.6, float("nan")])
def test_close_refuses_tolerances_that_allow_everything_or_nothing(rtol: float) -> None:
    with pytest.raises(ValueError, match=r"rtol=.* must be in \(0, 0\.5\]"):
        check.close("exercise", 1.0, 1.0, rtol=rtol)


# -- samples -----------------------------------------------------------------------------------------------------------

LAWS = {
    "normal": (stats.norm(1, 2), stats.norm(1.1, 2)),
    "beta": (stats.beta(0.5, 3), stats.beta(0.6, 3)),
    "poisson": (stats.poisson(4), stats.poisson(4.2)),
    "geometric": (stats.geom(0.2), stats.geom(0.22)),
    "rare": (stats.bernoulli(0.05), stats.bernoulli(0.07)),
    "wide": (stats.nbinom(0.3, 1e-4), stats.nbinom(0.33, 1e-4)),
}


@pytest.mark.parametrize("name", LAWS)
def test_law_accepts_its_own_draws_and_rejects_those_of_another(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    right, wrong = LAWS[name]
    draws = right.rvs(20000, random_state=np.random.default_rng(11))
    check.law("exercise", draws, right, alarm=1e-6)
    assert "false-alarm rate 1e-06" in capsys.readouterr().out
    with pytest.raises(CheckFailed, match=r"20000 draws contradict their law: p = .* < 1e-06"):
        check.law("exercise", draws, wrong, alarm=1e-6)


@pytest.mark.parametrize("name", ["normal", "poisson", "wide"])
def test_law_alarms_as_rarely_as_it_says(name: str) -> None:
    # 300 correct samples at a rate of 1 %: more than 16 alarms are rarer than 1e-7
    right, alarms, rng = LAWS[name][0], 0, np.random.default_rng(12)
    for _ in range(300):
        try:
            check.law("exercise", right.rvs(300, random_state=rng), right, alarm=0.01)
        except CheckFailed:
            alarms += 1
    assert stats.binom(300, 0.01).sf(16) < 1e-7
    assert alarms <= 16


def test_law_refuses_what_could_not_fail() -> None:
    with pytest.raises(ValueError, match=r"sample holds 99 draws; at least 100 finite ones are needed"):
        check.law("exercise", np.zeros(99), stats.norm(), alarm=1e-6)
    with pytest.raises(ValueError, match=r"at least 100 finite ones"):
        check.law("exercise", np.full(200, np.nan), stats.norm(), alarm=1e-6)
    with pytest.raises(ValueError, match=r"one cell: no sample could contradict it"):
        check.law("exercise", np.full(200, 3), stats.randint(3, 4), alarm=1e-6)
    for alarm in (0.0, 0.05, float("nan")):
        with pytest.raises(ValueError, match=r"alarm=.* must be in \[1e-12, 0\.01\]"):
            check.law("exercise", np.zeros(200), stats.norm(), alarm=alarm)


def test_law_rejects_a_draw_that_is_impossible_often_enough() -> None:
    draws = np.concatenate([np.zeros(150), np.full(50, 9)])
    with pytest.raises(CheckFailed):
        check.law("exercise", draws, stats.randint(0, 2), alarm=1e-6)


# -- conditions --------------------------------------------------------------------------------------------------------


def test_that(capsys: pytest.CaptureFixture[str]) -> None:
    check.that("exercise", True, "one")
    check.that("exercise", np.bool_(True), "two")
    check.that("exercise", sp.true, "three")  # type: ignore[arg-type]
    assert capsys.readouterr().out.splitlines() == ["✓ exercise: one", "✓ exercise: two", "✓ exercise: three"]
    for false in (False, np.bool_(False), sp.false):
        with pytest.raises(CheckFailed, match="exercise: does not hold: 1 > 2"):
            check.that("exercise", false, "1 > 2")  # type: ignore[arg-type]


@pytest.mark.parametrize("condition", [[False], 1, "no", None, x > y, np.array([True])])
def test_that_takes_booleans_only(condition: object) -> None:
    with pytest.raises(TypeError, match="must be a boolean"):
        check.that("exercise", condition, "nothing")  # type: ignore[arg-type]


# -- claims ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "run",
    [
        lambda name: check.symbolic(name, sp.diff(x**2, x), 2 * x),
        lambda name: check.close(name, 1.0, 1.0, rtol=1e-3),
        lambda name: check.law(name, np.random.default_rng(1).standard_normal(200), stats.norm(), alarm=1e-6),
        lambda name: check.that(name, True, "seen"),
    ],
    ids=["symbolic", "close", "law", "that"],
)
def test_every_check_belongs_to_a_claim(run: object, capsys: pytest.CaptureFixture[str]) -> None:
    run("zs-eq-1")  # type: ignore[operator]
    assert capsys.readouterr().out.startswith("✓ zs-eq-1: ")
    with pytest.raises(KeyError, match=r"claim_id='zs-eq-l' is not in the ledger \(nearest: zs-eq-"):
        run("zs-eq-l")  # type: ignore[operator]
    assert capsys.readouterr().out == ""
