"""Two decisions about one face, of all kinds: the newer one counts, through runs and undos."""

import pytest

from clustering.decisions.replay import replay_event_log
from clustering.selectors import iter_collection_faces, iter_members
from tests.clustering.deciding import Reviewed

pytestmark = pytest.mark.services

ADA, BOB = 10, 90
SAME, OTHER, NEW, NOISE = "with the same person", "with another person", "a new person", "noise"
OUT = ("not_a_face", "ignored")
BECOMES = {
    "confirm": SAME,
    "reject": NOISE,
    "move": OTHER,
    "move back": SAME,
    "move to noise": NOISE,
    "move to new": NEW,
    "split": NEW,
    "not_a_face": "not_a_face",
    "ignore": "ignored",
    "restore": SAME,
}
FIRST = [one for one in BECOMES if one not in ("move back", "restore")]


def is_possible(first, second):
    """Say whether the second can be decided about a face where the first left it."""
    place = BECOMES[first]
    if second == "restore":
        return place in OUT
    if second == "split":
        return place in (SAME, OTHER)  # another face has to stay
    return second not in ("confirm", "reject") or place in (SAME, OTHER, NEW)


ALL = [(first, second) for first in FIRST for second in BECOMES if is_possible(first, second)]
ALIKE = ("split", "not_a_face", "move to new")  # they do to a face what another kind does
FEW = [pair for pair in ALL if not {*pair} & {*ALIKE}]


class Pairs:
    """One photo of Ada for each pair of decisions, and some photos of two people besides."""

    def __init__(self, painted, pairs):
        self.painted, self.pairs = painted, pairs
        for number in range(len(pairs)):
            painted.paint(f"pair{number}.png", ADA, shade=number)
        for number in range(4):
            painted.paint(f"ada{number}.png", ADA, shade=100 + number)
            painted.paint(f"bob{number}.png", BOB, shade=100 + number)
        painted.run()
        self.reviewed = Reviewed(painted)
        faces = self.reviewed.faces()
        self.faces = {file.removesuffix(".png"): face for (file, _), face in faces.items()}

    def labels(self):
        """Return the label of each photo's face, or what it is instead."""
        labels = {
            one.id: one.verdict.value for one in iter_collection_faces(self.painted.name.path)
        }
        labels |= {one.face: one.cluster for one in iter_members(self.reviewed.run)}
        return {file: labels[face] for file, face in self.faces.items()}

    def decide_all(self, which):
        """Decide the first or the second of each pair."""
        labels = self.labels()
        to = {"move": "bob0", "move back": "ada0", "move to noise": NOISE, "move to new": "new"}
        made = []
        for number, pair in enumerate(self.pairs):
            file, what = f"pair{number}", pair[which]
            asked = {"to": labels.get(to[what], to[what])} if what in to else {}
            if what in ("confirm", "reject", "split"):
                asked = {"cluster": labels[file]}
            kind = what.partition(" ")[0]
            face = (self.faces[file],)
            made.append(self.reviewed.decide(kind, faces=face, write=False, **asked))
        self.reviewed.write()
        return made

    def undo_all(self, decisions):
        for decision in decisions:
            self.reviewed.decide("undo", undoes=decision.id, write=False)
        self.reviewed.write()

    def places(self):
        """Return where the face of each pair is."""
        labels = self.labels()
        known = {labels["ada0"]: SAME, labels["bob0"]: OTHER}
        found = [labels[f"pair{number}"] for number in range(len(self.pairs))]
        found = [known.get(one, NEW if one.startswith("cluster_") else one) for one in found]
        return dict(zip(self.pairs, found, strict=True))

    def is_rebuilt(self):
        path, vectors = self.painted.name.path, self.painted.vectors
        return replay_event_log(path, vectors=vectors).is_unchanged


def expected(first, second):
    """Return where a face is as soon as both are decided."""
    stays = second == "confirm"
    return BECOMES[first] if stays else BECOMES[second]


def elsewhere(places, decided):
    """Return the pairs whose face is not where it was decided to be, with where it is."""
    return {pair: place for pair, place in places.items() if not decided(pair, place)}


def of_first(pair, place):
    """Say whether a face is where the first decision allows it after a run."""
    first, _ = pair
    return place != SAME if first == "reject" else place == BECOMES[first]


def of_second(pair, place):
    """Say whether a face is where the second decision allows it after a run."""
    first, second = pair
    if second == "reject":
        return place != BECOMES[first]
    return place == expected(*pair)


@pytest.mark.parametrize(
    "pairs", [pytest.param(FEW, id="few"), pytest.param(ALL, id="all", marks=pytest.mark.long)]
)
def test_of_two_decisions_about_a_face_the_newer_counts_until_it_is_undone(painted, pairs):
    pairs = Pairs(painted, pairs)
    firsts = pairs.decide_all(0)
    assert pairs.places() == {pair: BECOMES[pair[0]] for pair in pairs.pairs}

    seconds = pairs.decide_all(1)
    assert pairs.places() == {pair: expected(*pair) for pair in pairs.pairs}
    assert pairs.is_rebuilt()

    pairs.reviewed.rerun(full=True)
    assert elsewhere(pairs.places(), of_second) == {}
    assert pairs.is_rebuilt()

    pairs.undo_all(seconds)
    assert elsewhere(pairs.places(), of_first) == {}
    pairs.reviewed.rerun(full=True)
    assert elsewhere(pairs.places(), of_first) == {}

    pairs.undo_all(firsts)
    pairs.reviewed.rerun(full=True)
    assert set(pairs.places().values()) == {SAME}
    assert pairs.is_rebuilt()
