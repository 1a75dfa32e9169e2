"""Match all clusters of a run with all profiles in one pass over the run's vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from assignments.documents import Strategy
from assignments.errors import NoProfiles
from assignments.matching import Match, Rules, Votes, match_centroids
from assignments.selectors import list_run_assignments
from clustering.documents import Cluster, Member, Run
from clustering.selectors import iter_clusters
from profiles.gallery import Gallery, load_gallery
from storage.errors import ModelMismatch
from storage.mongo import iter_fields, prefix_range
from storage.vectors import VectorStore


@dataclass(frozen=True, eq=False)
class RunMatches:
    """The match of each cluster of a run, by label."""

    clusters: list[Cluster]
    matches: dict[str, Match]
    user_ids: list[str]
    rules: Rules


def match_run(
    run: Run, *, strategy: Strategy, threshold: float, margin: float, vectors: VectorStore
) -> RunMatches:
    """Return the match of each cluster of a run except noise; writes nothing.

    Raises ModelMismatch or NoProfiles if there is no template of the run's embedder.
    """
    table = _templates(run)
    clusters = [one for one in iter_clusters(run) if not one.is_noise and one.face_count]
    numbers = {cluster.label: number for number, cluster in enumerate(clusters)}
    rules = Rules(threshold, margin, _rejected_profiles(run, numbers, table))
    cluster_of = _cluster_of_faces(run, numbers)
    find = _by_centroid if strategy == Strategy.CENTROID else _by_vote
    matches = find(run, table, rules, cluster_of, count=len(clusters), vectors=vectors)
    return RunMatches(
        clusters,
        {cluster.label: match for cluster, match in zip(clusters, matches, strict=True)},
        table.user_ids,
        rules,
    )


def _templates(run: Run) -> Gallery:
    """Return the templates of the run's embedder; raise ModelMismatch or NoProfiles without any."""
    table = load_gallery(run.embedder)
    if not table.user_ids and table.others:
        raise ModelMismatch(
            f"The run was made with {run.embedder} and all {table.others} profiles with another "
            "model; enrol them again, or cluster with that model."
        )
    if not table.user_ids:
        raise NoProfiles("No person is enrolled yet; enrol one first (POST /detect-face).")
    return table


def _rejected_profiles(
    run: Run, numbers: Mapping[str, int], table: Gallery
) -> dict[int, frozenset[int]]:
    """Return the template rows of rejected profiles, by number of the cluster."""
    row_of = {user_id: row for row, user_id in enumerate(table.user_ids)}
    return {
        numbers[one.cluster]: frozenset(row_of[user] for user in one.rejected if user in row_of)
        for one in list_run_assignments(run.clusters_run)
        if one.rejected and one.cluster in numbers
    }


def _cluster_of_faces(run: Run, numbers: Mapping[str, int]) -> dict[str, int]:
    """Return the number of each face's cluster, without noise."""
    first = f"{run.clusters_run}/"
    where = {"place": prefix_range(first)}
    return {
        row["face"]: numbers[row["cluster"]]
        for row in iter_fields(Member, where, ["face", "cluster"])
        if row["cluster"] in numbers
    }


def _by_centroid(
    run: Run,
    table: Gallery,
    rules: Rules,
    cluster_of: Mapping[str, int],
    *,
    count: int,
    vectors: VectorStore,
) -> list[Match]:
    sums = np.zeros((count, table.templates.shape[1]), np.float32)
    counts = np.zeros(count, np.int64)
    for ids, rows in vectors.iter_vectors(run.embedder, {"collection": run.collection}):
        of = np.asarray([cluster_of.get(face, -1) for face in ids])
        np.add.at(sums, of[of >= 0], rows[of >= 0])
        np.add.at(counts, of[of >= 0], 1)
    return match_centroids(sums, counts, table.templates, rules=rules)


def _by_vote(
    run: Run,
    table: Gallery,
    rules: Rules,
    cluster_of: Mapping[str, int],
    *,
    count: int,
    vectors: VectorStore,
) -> list[Match]:
    votes = Votes(count, table.templates, rules=rules)
    for ids, rows in vectors.iter_vectors(run.embedder, {"collection": run.collection}):
        of = np.asarray([cluster_of.get(face, -1) for face in ids])
        votes.add(rows[of >= 0], of[of >= 0])
    return votes.matches()
