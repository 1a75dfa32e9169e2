"""The labelled photos that some tests need, and how a clustering is scored against the labels."""

import csv
import os
from itertools import combinations
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEST_DATA = Path(os.environ.get("FACEADMIN_TEST_DATA", ROOT.parent / "shared"))
FACES = TEST_DATA / "faces"

needs_labelled_photos = pytest.mark.skipif(
    not (FACES / "labels.csv").exists(),
    reason="no labelled photos here: FACEADMIN_TEST_DATA names no folder with faces/labels.csv",
)


def labels_of(folder):
    """Return the person of each labelled photo of a folder, by the photo's path in it."""
    with (FACES / "labels.csv").open(newline="") as rows:
        paths = {row["path"]: row["identity"] for row in csv.DictReader(rows)}
    return {path: name for path, name in paths.items() if path.startswith(f"{folder}/")}


def pairwise_scores(clusters, labels):
    """Return precision and recall over pairs of labelled photos that share a cluster."""
    found = {
        tuple(sorted(pair))
        for photos in clusters
        for pair in combinations(sorted(set(photos) & labels.keys()), 2)
    }
    true = {
        tuple(sorted(pair))
        for pair in combinations(labels, 2)
        if labels[pair[0]] == labels[pair[1]]
    }
    return len(found & true) / max(len(found), 1), len(found & true) / max(len(true), 1)
