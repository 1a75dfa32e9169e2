"""A photo with a decided face is removed from the bucket and restored, several times."""

import pytest

from clustering.documents import Member
from tests.clustering.deciding import Reviewed

pytestmark = pytest.mark.services

ADA, BOB = 10, 90


@pytest.fixture
def reviewed(painted):
    for person, name in ((ADA, "ada"), (BOB, "bob")):
        for number in range(3):
            painted.paint(f"{name}{number}.png", person, shade=number)
    painted.run()
    return Reviewed(painted)


def leave(painted, file):
    """Remove a photo from the bucket and run; return a function that restores it and runs."""
    photo = painted.folder / file
    content = photo.read_bytes()
    photo.unlink()
    run = painted.run()
    assert (run.state, run.failure) == ("finished", "")

    def come_back():
        photo.write_bytes(content)
        run = painted.run()
        assert (run.state, run.failure) == ("finished", "")

    return come_back


@pytest.mark.parametrize("file", ["bob0.png", "ada0.png"])
def test_decided_face_returns_to_its_cluster_each_time(painted, reviewed, file):
    """One face was moved to another person, the other was confirmed in its cluster."""
    face, ada = reviewed.face(file), reviewed.label("ada1.png")
    kind = (
        {"kind": "move", "to": ada} if file == "bob0.png" else {"kind": "confirm", "cluster": ada}
    )
    reviewed.decide(**kind, faces=(face,))

    for _ in range(3):
        come_back = leave(painted, file)
        assert face not in reviewed.faces().values()
        come_back()

        assert reviewed.face(file) == face
        assert reviewed.label(file) == reviewed.label("ada1.png")
        member = Member.objects(id=Member.id_for(reviewed.run.id, face)).first()
        assert member.put_by == "person"


def test_face_marked_as_not_a_face_stays_marked_after_each_return(painted, reviewed):
    face = reviewed.face("ada0.png")
    reviewed.decide("not_a_face", faces=(face,))

    for _ in range(2):
        leave(painted, "ada0.png")()

        assert reviewed.label("ada0.png") == "not_a_face"


def test_decided_face_is_recognised_in_a_renamed_file_after_two_removals(painted, reviewed):
    face = reviewed.face("bob0.png")
    reviewed.decide("move", faces=(face,), to=reviewed.label("ada1.png"))
    content = (painted.folder / "bob0.png").read_bytes()
    leave(painted, "bob0.png")()
    leave(painted, "bob0.png")

    (painted.folder / "renamed.png").write_bytes(content)
    painted.run()

    assert reviewed.label("renamed.png") == reviewed.label("ada1.png")
