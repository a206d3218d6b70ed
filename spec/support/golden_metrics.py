"""Writes spec/golden/metrics.safetensors: metrics of random outputs by scikit-learn and SciPy.

    pip install scikit-learn scipy torch safetensors
    python3 spec/support/golden_metrics.py

A developer runs it; the suite only reads what it wrote. Labels count from 1; -100 is a missing one.
Where a value is undefined (scikit-learn gives a warning and 0, 1 or NaN), the file has NaN. A mean
over classes leaves out classes that do not occur, as scikit-learn does without `labels`.
"""

import warnings

import numpy as np
import torch
from scipy import stats
from sklearn import metrics as sk

from golden_optim import HERE, save

warnings.simplefilter("ignore")
rng = np.random.default_rng(7)
out = {}


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def put(case, name, value):
    out[f"{case}/{name}"] = torch.tensor(np.asarray(value, dtype=np.float64))


def ece(probabilities, y, bins=15):
    sure, said = probabilities.max(1), probabilities.argmax(1)
    total = 0.0
    for b in range(bins):
        own = (sure > b / bins) & (sure <= (b + 1) / bins)
        if own.any():
            total += own.sum() * abs((said[own] == y[own]).mean() - sure[own].mean())
    return total / len(y)


def averaged(f, y, scores, average):
    """The mean of f of each class against the others, over the classes for which f has a value."""
    values, weights = [], []
    for c in range(scores.shape[1]):
        own = y == c
        if own.any() and not (own.all() and f is sk.roc_auc_score):
            values.append(f(own, scores[:, c]))
            weights.append(own.sum() if average == "weighted" else 1)
    return np.average(values, weights=weights) if values else np.nan


def pr_area(y, s):
    precision, recall, _ = sk.precision_recall_curve(y, s)
    return sk.auc(recall, precision)


def classes(case, scores, labels):
    """scores (n, c) in double, labels from 1 or -100"""
    out[f"{case}/scores"] = torch.tensor(scores)
    out[f"{case}/labels"] = torch.tensor(labels)
    there = labels > 0
    s, y = scores[there], labels[there] - 1
    said = s.argmax(1)
    put(case, "accuracy", sk.accuracy_score(y, said))
    if s.shape[1] > 3 and " ties" not in case and " one said" not in case:
        put(case, "top.3", sk.top_k_accuracy_score(y, s, k=3, labels=range(s.shape[1])))
    put(case, "balanced", sk.balanced_accuracy_score(y, said))
    one = len(np.unique(y)) == 1 and len(np.unique(said)) == 1
    put(case, "kappa", np.nan if one and y[0] == said[0] else sk.cohen_kappa_score(y, said))
    constant = len(np.unique(y)) == 1 or len(np.unique(said)) == 1
    put(case, "mcc", np.nan if constant else sk.matthews_corrcoef(y, said))
    put(case, "confusion", sk.confusion_matrix(y, said, labels=range(s.shape[1])))
    for name, f in (("precision", sk.precision_score), ("recall", sk.recall_score),
                    ("f1", sk.f1_score)):
        for average in "macro", "micro", "weighted":
            put(case, f"{name}.{average}", f(y, said, average=average))
        each = f(y, said, average=None, labels=range(s.shape[1]), zero_division=np.nan)
        put(case, f"{name}.each", each)
    p = softmax(s)
    put(case, "ece", ece(p, y))
    put(case, "ece.7", ece(p, y, 7))
    if s.shape[1] == 2:
        margin, pos = s[:, 1] - s[:, 0], y == 1
        both = pos.any() and not pos.all()
        put(case, "auc", sk.roc_auc_score(pos, margin) if both else np.nan)
        put(case, "auc.pr", pr_area(pos, margin) if pos.any() else np.nan)
        put(case, "ap", sk.average_precision_score(pos, margin) if pos.any() else np.nan)
        put(case, "ap.1", sk.average_precision_score(~pos, -margin) if not pos.all() else np.nan)
    else:
        for average in "macro", "weighted":
            put(case, f"auc.{average}", averaged(sk.roc_auc_score, y, p, average))
            put(case, f"auc.pr.{average}", averaged(pr_area, y, p, average))
            put(case, f"ap.{average}", averaged(sk.average_precision_score, y, p, average))
        if len(np.unique(y)) == s.shape[1]:  # scikit-learn's own mean over classes
            own = sk.roc_auc_score(y, p, multi_class="ovr", average="macro")
            assert abs(own - averaged(sk.roc_auc_score, y, p, "macro")) < 1e-12


def numbers(case, said, truth):
    out[f"{case}/said"], out[f"{case}/truth"] = torch.tensor(said), torch.tensor(truth)
    columns = {"mae": [], "rmse": [], "r2": [], "pearson": []}
    counts = []
    for k in range(truth.shape[1]):
        there = ~np.isnan(truth[:, k])
        y, f = truth[there, k], said[there, k]
        counts.append(len(y))
        columns["mae"].append(sk.mean_absolute_error(y, f))
        columns["rmse"].append(sk.root_mean_squared_error(y, f))
        constant = (y == y[0]).all()
        columns["r2"].append(np.nan if constant else sk.r2_score(y, f))
        constant = constant or (f == f[0]).all()
        columns["pearson"].append(np.nan if constant else stats.pearsonr(f, y)[0])
    for name, values in columns.items():
        values = np.array(values)
        known, weights = ~np.isnan(values), np.array(counts)
        put(case, name, np.average(values[known], weights=weights[known]) if known.any() else np.nan)


def labels_of(n, c, leave_out=(), missing=0.0):
    y = rng.choice([k for k in range(1, c + 1) if k not in leave_out], n)
    y[rng.random(n) < missing] = -100
    return y


for c in 2, 3, 7:
    classes(f"classes/{c}", rng.normal(size=(97, c)), labels_of(97, c))
    classes(f"classes/{c} ties", np.round(rng.normal(size=(120, c)), 0), labels_of(120, c))
    classes(f"classes/{c} missing labels", rng.normal(size=(80, c)), labels_of(80, c, missing=0.3))
    classes(f"classes/{c} one class", rng.normal(size=(20, c)), labels_of(20, c, range(2, c + 1)))
    classes(f"classes/{c} the last alone", rng.normal(size=(20, c)), labels_of(20, c, range(1, c)))
    classes(f"classes/{c} one said", np.tile(np.arange(c) * 2.0 - 1, (30, 1)), labels_of(30, c))
    classes(f"classes/{c} one sample", rng.normal(size=(1, c)), labels_of(1, c))
classes("classes/7 absent", rng.normal(size=(60, 7)), labels_of(60, 7, (2, 5)))
rare = rng.normal(size=(60, 7))
rare[:, [1, 3]] -= 100  # the first never occurs as an output, the second also not as a label
classes("classes/7 never said", rare, labels_of(60, 7, (4,)))
classes("classes/2 equal scores", np.zeros((25, 2)), labels_of(25, 2))

truth = rng.normal(size=(90, 3)) * [1, 10, 0.1] + [0, 1000, 1e6]
numbers("numbers/3", truth + rng.normal(size=(90, 3)) * [0.3, 20, 0.1], truth)
gone = truth.copy()
gone[rng.random(gone.shape) < 0.2] = np.nan
numbers("numbers/3 missing", truth + rng.normal(size=(90, 3)), gone)
numbers("numbers/1", rng.normal(size=(50, 1)), rng.normal(size=(50, 1)))
numbers("numbers/1 equal labels", rng.normal(size=(50, 1)), np.full((50, 1), 0.1))
numbers("numbers/1 equal outputs", np.full((50, 1), 0.1), rng.normal(size=(50, 1)))

save(HERE / "metrics.safetensors", out)
