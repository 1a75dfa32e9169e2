"""Sample documents; the examples of the OpenAPI document are rendered from them."""

from __future__ import annotations

from datetime import UTC, datetime

from assignments.api.outputs import AssignmentRowOutput
from assignments.documents import Assignment, AssignmentState, Strategy
from assignments.match_run import RunMatches
from assignments.matching import Match, Reason, Rules
from assignments.services import Assigned, MatchedRun
from clustering.documents import Member, Run
from web.output import Answer

RUN = "65f1c0ffee65f1c0ffee65f1"
COLLECTION = "photos/summer-2024"
MOMENT = datetime(2026, 5, 1, 9, 30, tzinfo=UTC)
FACE, KEY = "1f0c1a54-7b3c-5a58-9a2e-0d6c6f3f7b11", "summer-2024/picnic.jpg"

RUN_DOCUMENT = Run(id=RUN, collection=COLLECTION)
ASSIGNMENT = Assignment(
    id="3b9e0c1d2f4a5b6c7d8e9f00",
    run=RUN,
    collection=COLLECTION,
    cluster="cluster_0",
    user_id="ada.lovelace",
    similarity=0.957,
    strategy=Strategy.CENTROID,
    face_count=23,
    decided_by="machine",
    state=AssignmentState.ASSIGNED,
    runner_up="bob",
    runner_up_similarity=0.71,
    version=1,
    created_at=MOMENT,
    updated_at=MOMENT,
)
MATCH = Match(profile=0, similarity=0.957, runner_up=1, runner_up_similarity=0.71)
FOUND = RunMatches(
    clusters=[],
    matches={"cluster_0": MATCH},
    user_ids=["ada.lovelace", "bob"],
    rules=Rules(threshold=0.65, margin=0.02, banned={}),
)
MATCHED = MatchedRun(
    FOUND,
    Assigned(matches={"cluster_0": MATCH}, reasons={"cluster_1": Reason.BELOW_THRESHOLD}),
    Strategy.CENTROID,
    dry_run=False,
)
SIZES = {"cluster_0": 23, "cluster_1": 4}
TYPICAL = {"cluster_0": [Member(face=FACE, key=KEY)]}


def row(**values: object) -> Answer:
    """Return the assignment as an answer, with other values by field."""
    return AssignmentRowOutput.render(ASSIGNMENT, clustering_id=RUN, **values)
