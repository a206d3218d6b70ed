"""CAGrad's direction, exact: the optimization program in line 4 of its algorithm, in 60 digits.

The weights w of the simplex minimise b'w + r |J'w|, b = J g_0, r = c |g_0|. On a set of weights
above 0, stationarity is linear in w once tau = |J'w| is given, and tau then solves a quadratic
equation. Sets are exchanged as in an active-set method, from the set of an answer in double. The
result is proved, however it was found: for every w of the simplex and every d with |d - g_0| <= r,
min_i g_i'd <= b'w + r |J'w|, and for the result both sides are equal to 1e-40.
"""
import mpmath as mp

mp.mp.dps = 60


def solve_on(g, b, r, at):
    """Weights of the tasks `at`, of sum 1, and tau; None where no set of weights is stationary."""
    n = len(at)
    k = mp.zeros(n + 1, n + 1)
    for i in range(n):
        for j in range(n):
            k[i, j] = g[at[i], at[j]]
        k[i, n] = k[n, i] = 1
    try:
        p = mp.lu_solve(k, mp.matrix([0] * n + [1]))[:n]
        q = mp.lu_solve(k, mp.matrix([b[i] for i in at] + [0]))[:n]
    except ZeroDivisionError:
        return None, None
    p, q = mp.matrix(p), mp.matrix(q) / r
    own = k[:n, :n]
    pp, pq, qq = [(x.T * own * y)[0] for x, y in ((p, p), (p, q), (q, q))]
    root = pq * pq - (qq - 1) * pp  # (qq - 1) tau^2 - 2 pq tau + pp = 0
    if root < 0:
        return None, None
    best = None, None
    for sign in (-1, 1):
        tau = (pq + sign * mp.sqrt(root)) / (qq - 1)
        if tau > 0 and (best[1] is None or tau > best[1]):
            best = list(p - tau * q), tau
    return best


def length(g, w):
    return mp.sqrt(max((w.T * g * w)[0], 0))


def direction(j, c, start):
    """j (T, d) in double; start: weights to begin with. -> the direction (d)."""
    t = len(j)
    rows = mp.matrix(j.tolist())
    g = rows * rows.T
    mean = mp.matrix([mp.mpf(1) / t] * t)
    b = g * mean
    r = mp.mpf(c) * length(g, mean)
    w = mp.matrix([mp.mpf(float(x)) if x > 1e-9 else 0 for x in start])
    w = w / sum(w)
    at = [i for i in range(t) if w[i] > 0]
    for _ in range(50 * t):
        own, tau = solve_on(g, b, r, at)
        if own is None:  # rows that depend on each other: leave out the least weight
            if len(at) == 1:
                break
            at.remove(min(at, key=lambda i: w[i]))
            continue
        if min(own) < 0:  # move as far as the weights stay at 0 or above
            share = min([mp.mpf(1)] + [w[i] / (w[i] - x) for i, x in zip(at, own) if x < 0])
            for i, x in zip(at, own):
                w[i] += share * (x - w[i])
            at.remove(min(at, key=lambda i: w[i] if dict(zip(at, own))[i] < 0 else mp.inf))
            w = mp.matrix([w[i] if i in at else 0 for i in range(t)])
            continue
        w = mp.matrix([own[at.index(i)] if i in at else 0 for i in range(t)])
        d = rows.T * (mean + r / tau * w)
        slopes = rows * d
        value = (b.T * w)[0] + r * length(g, w)
        least = min(range(t), key=lambda i: slopes[i])
        if value - slopes[least] <= mp.mpf(10) ** -40 * abs(value):
            return list(d)
        at.append(least)
    raise ArithmeticError("no minimum was found")
