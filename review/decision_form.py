"""Form of a decision on a page; looks up the person whose name was typed."""

from __future__ import annotations

from typing import Any

from django import forms

from clustering.decisions.commands import DecisionCommand
from clustering.decisions.events import EventKind
from clustering.documents import Run
from clustering.selectors import list_member_faces
from profiles.documents import fold_name
from profiles.selectors import find_profile, search_profiles
from review.decision_serializers import ASKABLE
from review.errors import AmbiguousName, NoSuchName

NAMING = (EventKind.CHOOSE_PROFILE, EventKind.MOVE)
EVERYTHING = "*"  # a button's target: all faces of the cluster
SAME_NAME = 3  # profiles to find, to detect that a name is ambiguous


class DecisionForm(forms.Form):
    """A reviewer's decision; faces are sent in fields ``faces``, each with one or more ids.

    A button has one value, so its kind may include a target: ``choose_profile:ada``,
    ``ignore:*`` for a whole cluster.
    """

    kind = forms.CharField(max_length=120)
    cluster = forms.CharField(required=False, max_length=40)
    other = forms.CharField(required=False, max_length=40)
    to = forms.CharField(required=False, max_length=40)
    user_id = forms.CharField(required=False, max_length=64)
    person = forms.CharField(required=False, max_length=500)
    run = forms.CharField(required=False, max_length=40)
    version = forms.IntegerField(required=False, min_value=0)
    everything = forms.BooleanField(required=False)

    def clean(self) -> dict[str, Any]:
        """Split a button's value into kind and target; a decision that names a person needs one."""
        said: dict[str, Any] = super().clean() or {}
        kind, _, target = said.get("kind", "").partition(":")
        if kind not in ASKABLE:
            raise forms.ValidationError({"kind": "This decision is not possible."})
        said["kind"] = kind
        if target == EVERYTHING:
            said["everything"] = True
        elif target:
            said["to" if kind == EventKind.MOVE else "user_id"] = target
        target = self.errors or said["to"] or said["user_id"] or said["person"]
        if kind in NAMING and not target:
            raise forms.ValidationError({"person": "Type a name."})
        return said

    def asked(self, given: list[str], *, run: Run) -> DecisionCommand:
        """Return the command of a valid form, with cluster labels of ``run``.

        ``given`` are the values of the fields ``faces``. Raises NoSuchName or AmbiguousName for the
        typed name.
        """
        said = self.cleaned_data
        faces = [face for one in given for face in one.split()]
        if said["everything"]:
            faces = list_member_faces(run, said["cluster"])
        person = said["person"].strip()
        user_id = said["user_id"] or (find_person_by_name(person) if person else "")
        return DecisionCommand(
            kind=EventKind(said["kind"]),
            faces=tuple(faces),
            cluster=said["cluster"],
            other=said["other"],
            to="" if user_id else said["to"],
            user_id=user_id,
            versions={} if said["version"] is None else {said["cluster"]: said["version"]},
            run=said["run"],
            seen={
                "run": run.id,
                "model": run.model,
                "eps": run.eps,
                "cluster": said["cluster"],
                "other": said["other"],
            },
            knows_own=True,
        )


def find_person_by_name(text: str) -> str:
    """Return the user_id of the person with this id, or with this full name regardless of case.

    Raises NoSuchName or AmbiguousName.
    """
    if find_profile(text) is not None:
        return text
    folded = fold_name(text)
    found = search_profiles(text, limit=SAME_NAME * 10).profiles
    same = [one.user_id for one in found if fold_name(one.name) == folded]
    if not same:
        raise NoSuchName(f"No person is called {text[:80]}.")
    if len(same) > 1:
        raise AmbiguousName(f"Several people are called {text[:80]}: {', '.join(same[:5])}.")
    return str(same[0])
