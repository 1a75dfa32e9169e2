"""A painted collection that people decide about."""

from clustering.decisions.deciding import Asked, decide
from clustering.decisions.ground import current_run
from clustering.decisions.kinds import Kind, Ruling
from clustering.decisions.law import Law
from clustering.decisions.projection import project
from clustering.documents import NOISE, Collection, Face, Member, RunState
from clustering.selectors import clusters_all, collection_faces, members_all, run_get


class Reviewed:
    """Decide by label or by file, and ask who is where."""

    def __init__(self, painted):
        self.painted = painted

    @property
    def collection(self):
        return Collection.objects(path=self.painted.name.path).first()

    @property
    def run(self):
        return current_run(self.painted.name.path)

    def decide(self, kind, *, write=True, **asked):
        decision = decide(self.collection, Asked(kind=Kind(kind), **asked), by="ada")
        if write:
            self.write()
        return decision

    def undo(self, decision):
        return self.decide("undo", undoes=decision.id)

    def write(self):
        assert project(self.painted.name.path, vectors=self.painted.vectors)

    def faces(self):
        """Return face ids by file and column."""
        found = {}
        for face in collection_faces(self.painted.name.path):
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
        persons = {one.label: one.person for one in clusters_all(run)}
        found = {}
        for member in members_all(run):
            found.setdefault(persons.get(member.cluster, NOISE) or NOISE, set()).add(member.face)
        return found

    def projection(self):
        """Return everything that decisions write, without what only the order of writing tells."""
        run = self.run
        clusters = {
            one.person or NOISE: (one.face_count, one.image_count)
            for one in clusters_all(run)
            if one.face_count
        }
        verdicts = {face.id: face.verdict for face in collection_faces(run.collection)}
        return self.people(), clusters, verdicts

    def rerun(self, **parameters):
        """Run the collection again; a run that fails leaves all groups as they were."""
        run = self.painted.run(**parameters)
        assert run.state == RunState.FINISHED, run.failure
        return run

    def fresh(self, run):
        return run_get(run.id)


class Log:
    """Write rulings one after the other."""

    def __init__(self):
        self.law = Law()

    def add(self, kind, *faces, **parts):
        ruling = Ruling(
            id=f"d{self.law.seq + 1}", seq=self.law.seq + 1, kind=kind, faces=faces, **parts
        )
        self.law.add(ruling)
        return ruling.id

    def undo(self, decision):
        return self.add(Kind.UNDO, undoes=decision)
