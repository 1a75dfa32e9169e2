"""How alike a face has to be, at exactly the threshold, and when another person is nearer."""

from dataclasses import replace

import numpy as np
import pytest

from profiles.documents import vector_from_bytes
from profiles.errors import LooksLikeAnother, NotTheSamePerson
from profiles.gallery import load_gallery
from profiles.identity_check import reject_duplicates, verify_same_person
from profiles.selectors import get_profile

pytestmark = pytest.mark.services


def alike(user_id, photo):
    return float(vector_from_bytes(get_profile(user_id).template) @ photo.face.vector)


def alike_in_the_table(user_id, photo):
    """Return the same from the product with all templates, which rounds otherwise."""
    table = load_gallery(photo.embedder)
    return float((table.templates @ photo.face.vector)[table.user_ids.index(user_id)])


def above(value):
    return float(np.nextafter(value, 2))


def test_a_face_that_just_meets_the_threshold_is_the_same_person(people):
    people.enrol("ada", 1)
    photo, ada = people.judged(1, shade=3), get_profile("ada")
    own = alike("ada", photo)

    verify_same_person(ada, replace(photo, same_person_threshold=own))
    with pytest.raises(NotTheSamePerson) as refused:
        verify_same_person(ada, replace(photo, same_person_threshold=above(own)))

    assert refused.value.extra["similarity"] == round(own, 4)


@pytest.fixture
def twins(people):
    """Two profiles of one face, by another photo each; and one of another face between them."""
    people.enrol("first", 1)
    people.enrol("middle", 2)
    people.enrol("second", 1, shade=3, force=True)
    return people


@pytest.mark.parametrize(("asked", "other"), [("first", "second"), ("second", "first")])
def test_a_face_that_another_is_nearer_to_is_refused_from_the_threshold_on(twins, asked, other):
    photo = twins.judged(1, shade=0 if other == "first" else 3)
    near = alike_in_the_table(other, photo)
    assert near > alike(asked, photo) > 0.9

    with pytest.raises(LooksLikeAnother) as refused:
        verify_same_person(get_profile(asked), photo)
    assert refused.value.extra == {"user_id": other, "similarity": round(near, 4)}

    with pytest.raises(LooksLikeAnother):
        reject_duplicates(asked, replace(photo, same_person_threshold=near), nearer_than=-1)
    reject_duplicates(asked, replace(photo, same_person_threshold=above(near)), nearer_than=-1)


@pytest.mark.parametrize(("asked", "other"), [("first", "second"), ("second", "first")])
def test_a_face_that_another_is_as_near_to_is_not_refused(twins, asked, other):
    photo = twins.judged(1, shade=9)
    near = alike_in_the_table(other, photo)

    reject_duplicates(asked, photo, nearer_than=near)
    with pytest.raises(LooksLikeAnother):
        reject_duplicates(asked, photo, nearer_than=float(np.nextafter(near, -1)))


def test_the_only_person_is_like_no_other(people):
    people.enrol("ada", 1)

    reject_duplicates("ada", people.judged(1), nearer_than=-2)
    with pytest.raises(LooksLikeAnother, match="ada"):
        reject_duplicates("eve", people.judged(1), nearer_than=-2)


def test_without_anyone_enrolled_a_face_is_like_no_other(people):
    reject_duplicates("ada", people.judged(1), nearer_than=-2)
