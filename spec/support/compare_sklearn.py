"""Random tables as pandas and scikit-learn prepare them, for compare_sklearn.lua.

    compare_sklearn.py FOLDER [TABLES]

writes tables as FOLDER/NAME.csv. FOLDER/tables.jsonl has a line for each: its columns as prepared
by StandardScaler, OneHotEncoder and SimpleImputer, fitted on the rows whose `set` is train.
"""

import json
import sys

import numpy
import pandas
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

WORDS = ["a", "b", "c d", "e,f", 'g"h', "\u00e4\u00f6", "1x", "line\nend"]


def table(rng):
    n = int(rng.integers(6, 80))
    frame, numbers, words = {}, [], []
    for k in range(int(rng.integers(1, 6))):
        scale = 10.0 ** rng.integers(-6, 7)
        x = rng.normal(size=n) * scale + rng.normal() * scale * 10
        if rng.random() < 0.2:
            x[:] = x[0]
        if rng.random() < 0.3:
            x = numpy.round(x)
        x[rng.random(n) < rng.choice([0, 0.1, 0.5])] = numpy.nan
        name = f"x{k}"
        frame[name], numbers = x, numbers + [name]
    for k in range(int(rng.integers(0, 3))):
        x = rng.choice(WORDS[: int(rng.integers(1, len(WORDS) + 1))], size=n).astype(object)
        x[rng.random(n) < rng.choice([0, 0.2])] = None
        name = f"w{k}"
        frame[name], words = x, words + [name]
    frame = pandas.DataFrame(frame)
    frame["set"] = rng.choice(["train", "train", "val"], size=n)
    train = frame[frame["set"] == "train"]
    if len(train) < 2 or train[numbers].isna().all().any() or train[words].isna().all().any():
        return table(rng)
    return frame, numbers, words


def prepared(frame, numbers, words):
    train = frame[frame["set"] == "train"]
    imputer = SimpleImputer(add_indicator=True).fit(train[numbers])
    filled = imputer.transform(frame[numbers])
    marks = [numbers[i] for i in imputer.indicator_.features_]
    scaler = StandardScaler().fit(train[numbers].to_numpy())  # ignores NaN
    scaled = scaler.transform(filled[:, : len(numbers)])
    columns = {name: scaled[:, i].tolist() for i, name in enumerate(numbers)}
    for i, name in enumerate(marks):
        columns[name + "?"] = filled[:, len(numbers) + i].tolist()
    for name in words:
        known = train[[name]].dropna()
        encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(known)
        spread = encoder.transform(frame[[name]])
        for i, word in enumerate(encoder.categories_[0]):
            columns[f"{name}={word}"] = spread[:, i].tolist()
        if train[name].isna().any():
            unknown = ~frame[name].isin(encoder.categories_[0])
            columns[name + "?"] = unknown.astype(float).tolist()
    return columns


folder, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 200
rng = numpy.random.default_rng(21)
with open(f"{folder}/tables.jsonl", "w", encoding="utf-8") as out:
    for i in range(count):
        frame, numbers, words = table(rng)
        name = f"t{i}.csv"
        frame.to_csv(f"{folder}/{name}", index=False, lineterminator=rng.choice(["\n", "\r\n"]))
        columns = prepared(frame, numbers, words)
        out.write(json.dumps({"file": name, "sets": frame["set"].tolist(), "inputs": numbers + words,
                              "words": words, "columns": columns}) + "\n")
