"""Constrained clustering of face embeddings: pure and deterministic, without I/O."""

from clustering.grouping.constraints import Constraints, Contradiction, check_constraints
from clustering.grouping.dbscan import dbscan_labels
from clustering.grouping.group_faces import Grouping, describe_grouping, group_faces
from clustering.grouping.neighbour_pairs import (
    NEAREST,
    NeighbourPairs,
    Neighbours,
    extend_pairs,
    find_neighbour_pairs,
    full_pairs,
    list_pairs,
)
from clustering.grouping.tiles import Pairs

__all__ = [
    "NEAREST",
    "Constraints",
    "Contradiction",
    "Grouping",
    "NeighbourPairs",
    "Neighbours",
    "Pairs",
    "check_constraints",
    "dbscan_labels",
    "describe_grouping",
    "extend_pairs",
    "find_neighbour_pairs",
    "full_pairs",
    "group_faces",
    "list_pairs",
]
