"""A painted collection that people decide about."""

from clustering.decisions.commands import DecisionCommand, execute_command
from clustering.decisions.events import DecisionEvent, EventKind
from clustering.decisions.projection import project_decisions
from clustering.decisions.snapshot import snapshot_run
from clustering.decisions.state import DecisionState
from clustering.documents import NOISE, Collection, Face, Member, RunState
from clustering.selectors import get_run, iter_clusters, iter_collection_faces, iter_members


class Reviewed:
    """Decide by label or by file, and ask who is where."""

    def __init__(self, painted):
        self.painted = painted

    @property
    def collection(self):
        return Collection.objects(path=self.painted.name.path).first()

    @property
    def run(self):
        return snapshot_run(self.painted.name.path)

    def decide(self, kind, *, write=True, **asked):
        decision = execute_command(
            self.collection, DecisionCommand(kind=EventKind(kind), **asked), by="ada"
        )
        if write:
            self.write()
        return decision

    def undo(self, decision):
        return self.decide("undo", undoes=decision.id)

    def write(self):
        assert project_decisions(self.painted.name.path, vectors=self.painted.vectors)

    def faces(self):
        """Return face ids by file and column."""
        found = {}
        for face in iter_collection_faces(self.painted.name.path):
            found[face.key.rpartition("/")[2], face.index] = face.id
        return found

    def face(self, file, index=0):
        return self.faces()[file, index]

    def label(self, file, index=0):
        """Return the label of the cluster a face is in, or what it is instead."""
        face = self.face(file, index)
        member = Member.objects(id=Member.id_for(self.run.id, face)).first()
        return member.cluster if member else Face.objects(id=face).first().verdict.value

    def people(self):
        """Return the faces of each person, by person."""
        run = self.run
        persons = {one.label: one.person for one in iter_clusters(run)}
        found = {}
        for member in iter_members(run):
            found.setdefault(persons.get(member.cluster, NOISE) or NOISE, set()).add(member.face)
        return found

    def projection(self):
        """Return everything that decisions write, without what only the order of writing tells."""
        run = self.run
        clusters = {
            one.person or NOISE: (one.face_count, one.image_count)
            for one in iter_clusters(run)
            if one.face_count
        }
        verdicts = {face.id: face.verdict for face in iter_collection_faces(run.collection)}
        return self.people(), clusters, verdicts

    def rerun(self, **parameters):
        """Run the collection again; a run that fails leaves all groups as they were."""
        run = self.painted.run(**parameters)
        assert run.state == RunState.FINISHED, run.failure
        return run

    def fresh(self, run):
        return get_run(run.id)


class Log:
    """Write rulings one after the other."""

    def __init__(self):
        self.state = DecisionState()

    def add(self, kind, *faces, **parts):
        event = DecisionEvent(
            id=f"d{self.state.seq + 1}", seq=self.state.seq + 1, kind=kind, faces=faces, **parts
        )
        self.state.add(event)
        return event.id

    def undo(self, decision):
        return self.add(EventKind.UNDO, undoes=decision)
