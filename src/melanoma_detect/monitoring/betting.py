"""Testing by betting: evidence that may be looked at after every image, with a false-alarm rate that holds for ever.

Who bets against a true hypothesis cannot expect to win. The capital of a gambler who starts with 1 and may not lose more than
all of it is then a test martingale, and by Ville's inequality (Ville 1939, "Étude critique de la notion de collectif") the
probability that it *ever* reaches `1 / alpha` is at most `alpha`: however long the stream is watched, and whenever one looks.
The hypothesis here is that p-values are independent and uniform on [0, 1]; those of `ConformalRanks` are, as long as the stream
looks like its reference (Vovk, Nouretdinov and Gammerman 2003, "Testing exchangeability on-line"; Vovk et al. 2021, "Retrain or
not retrain", arXiv:2102.10439).

- The bets are `1 + stake · L(2p − 1)` with the first two Legendre polynomials `L`, of mean 0 on [0, 1] (Neyman's smooth tests,
  1937, with the stakes of Waudby-Smith and Ramdas 2024, doi 10.1093/jrsssb/qkad009): the first finds values that have become
  higher or lower, the second those that have spread or gathered. The capital is divided among the stakes: a mean of
  martingales with the same history is a martingale.
- A change comes late. Part of the capital is kept and starts to bet at each period, `1 / log2(k + 1) − 1 / log2(k + 2)` of it
  at the k-th: the parts sum to 1, so that the whole is one martingale (a mixture over change points; the idea of the
  Shiryaev–Roberts statistic with a summable prior, see Shin, Ramdas and Rinaldo 2023, "E-detectors", arXiv:2203.03532).
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from melanoma_detect.utils.arrays import Float64Array

# Small stakes for small changes, large ones for large changes. The second polynomial lies between -1/2 and 1.
_STAKES = (-0.9, -0.45, -0.15, 0.15, 0.45, 0.9)
_BISECTIONS = 60  # closer than a double can tell


class BettingProcess:
    """The capital of a gambler who bets that p-values are not uniform.

    Attributes:
        evidence: The capital, from 1; over 1 it speaks against uniform p-values.
        peak: The highest it has been after a period.

    Examples:
        >>> process, rng = BettingProcess(), np.random.default_rng(1)
        >>> for _ in range(10):
        ...     _ = process.update(rng.uniform(size=100))
        >>> process.peak < 20
        True
        >>> process.update(rng.uniform(size=100) ** 2) > 20
        True
    """

    def __init__(self) -> None:
        self.evidence = 1.0
        self.peak = 1.0
        self._periods = 0
        self._logs = np.full(2 * len(_STAKES), -np.inf)  # of the capital that bets, by stake

    def update(self, p_values: ArrayLike) -> float:
        """Bet on the p-values of a period, and return the capital after it.

        Args:
            p_values: `(n,)`, 0 to 1; none for a period without images.

        Returns:
            The capital, over 0; infinite where it exceeds the largest float.

        Examples:
            >>> BettingProcess().update(np.linspace(0.005, 0.995, 100)) < 1
            True
        """
        self._periods += 1
        begins = math.log(start_weight(self._periods) / len(self._logs))
        gains = np.log(bet_factors(np.asarray(p_values, np.float64))).sum(axis=0)
        self._logs = np.logaddexp(self._logs, begins) + gains
        kept = math.log(1 / math.log2(self._periods + 2))
        log_capital = float(np.logaddexp.reduce([*self._logs.tolist(), kept]))
        self.evidence = math.exp(log_capital) if log_capital < 700 else math.inf
        self.peak = max(self.peak, self.evidence)
        return self.evidence


def start_weight(period: int) -> float:
    """Return the part of the capital that starts to bet at a period.

    Args:
        period: From 1.

    Returns:
        Over 0; the parts of all periods sum to 1.

    Examples:
        >>> round(start_weight(1), 3), round(sum(map(start_weight, range(1, 1000))), 3)
        (0.369, 0.9)
    """
    return 1 / math.log2(period + 1) - 1 / math.log2(period + 2)


def bet_factors(p_values: Float64Array) -> Float64Array:
    """Return what each bet makes of a unit of capital.

    Args:
        p_values: `(n,)`, 0 to 1.

    Returns:
        `(n, bets)`, over 0; the mean of each column is 1 for uniform p-values.

    Examples:
        >>> bet_factors(np.linspace(0.0005, 0.9995, 1000)).mean(axis=0).round(3).tolist()
        [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """
    centred = 2 * p_values - 1
    shift, spread = centred, (3 * centred**2 - 1) / 2
    stakes = np.array(_STAKES)
    return np.concatenate([1 + shift[:, None] * stakes, 1 + spread[:, None] * stakes], axis=1)


def share_interval(successes: int, trials: int, alpha: float = 0.05) -> tuple[float, float]:
    """Return an interval for a share that holds at every moment of a stream, not at one only (a confidence sequence).

    Of each share a gambler tests whether it is the true one, with a mixture of all bets; the interval are the shares against
    which he has not won `1 / alpha`. The capital has a closed form, the ratio of a Beta function to a likelihood (Robbins 1970,
    doi 10.1214/aoms/1177696786; as betting on a bounded mean: Waudby-Smith and Ramdas 2024, doi 10.1093/jrsssb/qkad009).

    Args:
        successes: How many of them so far.
        trials: Of how many.
        alpha: The probability that the true share ever lies outside, over 0 and under 1.

    Returns:
        The lower and the upper end; `(0, 1)` for no trials.

    Examples:
        >>> [round(end, 3) for end in share_interval(30, 100)]
        [0.169, 0.457]
    """
    failures = trials - successes
    log_beta = math.lgamma(successes + 1) + math.lgamma(failures + 1) - math.lgamma(trials + 2)

    def excess(share: float) -> float:
        likelihood = (successes and successes * math.log(share)) + (failures and failures * math.log1p(-share))
        return log_beta - likelihood + math.log(alpha)  # over 0 where the share is ruled out

    def cross(outside: float, inside: float) -> float:
        for _ in range(_BISECTIONS):
            middle = (outside + inside) / 2
            outside, inside = (middle, inside) if excess(middle) > 0 else (outside, middle)
        return outside

    if not trials:
        return 0.0, 1.0
    best = successes / trials
    return (cross(0.0, best) if successes else 0.0, cross(1.0, best) if failures else 1.0)
