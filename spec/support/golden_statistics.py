"""Writes spec/golden/statistics.json: what scipy's distributions, paired tests and bootstrap give.

    python3 spec/support/golden_statistics.py    (numpy, scipy >= 1.15, statsmodels for Holm)
"""
import itertools
import json
import types

import numpy as np
import scipy.stats as st
from statsmodels.stats.multitest import multipletests

rng = np.random.default_rng(7)


def number(v):
    v = float(v)
    return v if np.isfinite(v) else str(v)


def pairs():
    """Paired samples of many sizes: plain, with ties, with zeros, far from 0, equal but one."""
    for n in [2, 3, 4, 5, 6, 8, 12, 13, 14, 20, 49, 50, 51, 80]:
        for kind in ["plain", "ties", "zeros", "far", "equal but one"]:
            a, b = rng.normal(size=n), rng.normal(0.3, 1.0, size=n)
            if kind == "ties":
                a, b = np.round(a * 2) + 0.5, np.round(b * 2)
            elif kind == "zeros":
                a, b = np.round(a), np.round(b)
            elif kind == "far":
                a, b = a * 1e-3 + 100, b * 1e-3 + 100
            elif kind == "equal but one":
                a = b.copy()
                a[0] += 1
            yield n, kind, a, b


def paired():
    rows = []
    for n, kind, a, b in pairs():
        row = {"name": f"{kind}, {n}", "a": a.tolist(), "b": b.tolist(), "t": {}, "w": {}}
        for alternative in ["two-sided", "less", "greater"]:
            t = st.ttest_rel(a, b, alternative=alternative)
            row["t"][alternative] = [number(t.statistic), number(t.pvalue)]
            for zeros in ["wilcox", "pratt", "zsplit"]:
                w = st.wilcoxon(a, b, alternative=alternative, zero_method=zeros)
                row["w"][f"{alternative} {zeros}"] = [number(w.statistic), number(w.pvalue)]
        low, high = st.ttest_rel(a, b).confidence_interval(0.9)
        row["interval"] = [number(low), number(high)]
        rows.append(row)
    return rows


STATISTICS = {
    "mean": lambda x, axis: np.cumsum(x, axis=axis).take(-1, axis=axis) / x.shape[axis],
    "maximum": lambda x, axis: np.max(x, axis=axis),
}


def bootstraps():
    """Bootstraps over all n^n samples, so that no result depends on random numbers."""
    rows = []
    for n in [2, 3, 4, 5]:
        for values in [rng.normal(size=n), np.round(rng.normal(size=n), 1), rng.exponential(size=n)]:
            for name, statistic in STATISTICS.items():
                index = np.sort(np.array(list(itertools.product(range(n), repeat=n))), axis=1)
                all_of_them = types.SimpleNamespace(
                    bootstrap_distribution=statistic(values[index], axis=1))
                all_of_them = st._resampling.BootstrapResult(
                    confidence_interval=None, standard_error=None,
                    bootstrap_distribution=all_of_them.bootstrap_distribution)
                for method in ["bca", "percentile", "basic"]:
                    r = st.bootstrap((values,), statistic, n_resamples=0, method=method,
                                     confidence_level=0.9, bootstrap_result=all_of_them)
                    rows.append({"values": values.tolist(), "statistic": name, "method": method,
                                 "low": number(r.confidence_interval.low),
                                 "high": number(r.confidence_interval.high),
                                 "error": number(r.standard_error)})
    return rows


def distributions():
    x = [-40.0, -8.5, -3.0, -1.7, -1.0, -0.3, -1e-3, 0.0, 1e-2, 0.5, 1.69, 1.71, 2.5, 5.0, 12.0, 37.0]
    p = [1e-300, 1e-20, 1e-9, 1e-3, 0.025, 0.2, 0.4999, 0.5, 0.7, 0.95, 0.975, 0.999999]
    df = [0.3, 1, 2, 2.5, 3, 9, 30, 79.5, 81, 1000, 1e6]
    return {
        "x": x, "p": p, "df": df,
        "normal": {"cdf": st.norm.cdf(x).tolist(), "both": (2 * st.norm.sf(np.abs(x))).tolist(),
                   "quantile": st.norm.ppf(p).tolist()},
        "student": [{"cdf": st.t.cdf(x, d).tolist(), "both": (2 * st.t.sf(np.abs(x), d)).tolist(),
                     "quantile": [number(v) for v in st.t.ppf(p, d)]} for d in df],
    }


def holm():
    rows = []
    for m in [1, 2, 5, 21]:
        for _ in range(5):
            p = np.round(rng.uniform(size=m) ** 3, rng.integers(1, 6))
            rows.append({"p": p.tolist(), "adjusted": multipletests(p, method="holm")[1].tolist()})
    return rows


halton = st.qmc.Halton(d=6, scramble=False).random(40)[1:]

# Intervals of random samples, with which Braid's are compared.
sample = rng.exponential(size=12)
drawn = [st.bootstrap((sample,), np.mean, n_resamples=200000, method=m, rng=1).confidence_interval
         for m in ["bca", "percentile", "basic"]]
with open("spec/golden/statistics.json", "w") as f:
    json.dump({"paired": paired(), "bootstrap": bootstraps(), "distributions": distributions(),
               "holm": holm(), "halton": halton.tolist(),
               "drawn": {"values": sample.tolist(), "intervals":
                                         [[float(i.low), float(i.high)] for i in drawn]}}, f)
    f.write("\n")
