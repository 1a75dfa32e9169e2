"""Vectors in, people out: numpy, scipy and scikit-learn only; equal input, equal groups."""

from clustering.grouping.candidates import NEAREST, Neighbours
from clustering.grouping.constraints import Constraints, Contradiction, constraints_check
from clustering.grouping.dbscan import dbscan_labels
from clustering.grouping.groups import Grouping, group_faces, grouping_described

__all__ = [
    "NEAREST",
    "Constraints",
    "Contradiction",
    "Grouping",
    "Neighbours",
    "constraints_check",
    "dbscan_labels",
    "group_faces",
    "grouping_described",
]
