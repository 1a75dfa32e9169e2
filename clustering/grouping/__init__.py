"""Vectors in, people out: numpy, scipy and scikit-learn only; equal input, equal groups."""

from clustering.grouping.blocks import Pairs
from clustering.grouping.candidates import (
    NEAREST,
    Candidates,
    Neighbours,
    candidate_pairs,
    pairs_extended,
    pairs_full,
    pairs_listed,
)
from clustering.grouping.constraints import Constraints, Contradiction, constraints_check
from clustering.grouping.dbscan import dbscan_labels
from clustering.grouping.groups import Grouping, group_faces, grouping_described

__all__ = [
    "NEAREST",
    "Candidates",
    "Constraints",
    "Contradiction",
    "Grouping",
    "Neighbours",
    "Pairs",
    "candidate_pairs",
    "constraints_check",
    "dbscan_labels",
    "group_faces",
    "grouping_described",
    "pairs_extended",
    "pairs_full",
    "pairs_listed",
]
