"""Forms of matching, search by photo and removal of assignments. They parse and validate only."""

from __future__ import annotations

from django import forms

from assignments.documents import Strategy
from storage.errors import InvalidName
from storage.names import CollectionName

STRATEGIES = (
    (Strategy.CENTROID.value, "Average face"),
    (Strategy.VOTE.value, "Majority of faces"),
)
MARGIN = 0.02
MAX_VERSION = 2**31 - 1
FACE_LIMIT = 5


class MatchForm(forms.Form):
    """Parameters of matching a collection's clusters with the profiles."""

    collection = forms.CharField(max_length=1100, widget=forms.HiddenInput)
    strategy = forms.ChoiceField(choices=STRATEGIES, label="Match by", required=False)
    threshold = forms.FloatField(
        required=False,
        min_value=0,
        max_value=1,
        label="Threshold",
        widget=forms.NumberInput(attrs={"step": "0.005"}),
    )
    margin = forms.FloatField(
        required=False,
        min_value=0,
        max_value=1,
        label="Lead over the next",
        widget=forms.NumberInput(attrs={"step": "0.005"}),
    )
    overwrite = forms.BooleanField(required=False, label="Re-match automatic assignments")

    def clean_collection(self) -> str:
        """Return the path of the collection."""
        return _path(self.cleaned_data["collection"])

    def clean_strategy(self) -> str:
        """Return the strategy; the first one is the default."""
        return str(self.cleaned_data["strategy"] or STRATEGIES[0][0])

    def clean_margin(self) -> float:
        """Return the minimum lead over the next person, in cosine similarity."""
        margin = self.cleaned_data["margin"]
        return MARGIN if margin is None else float(margin)


class AssignmentRemoveForm(forms.Form):
    """The version of the cluster that was on screen when its assignment was removed."""

    version = forms.IntegerField(required=False, min_value=1, max_value=MAX_VERSION)


class SearchPhotoForm(forms.Form):
    """A photo, and the collection to search."""

    file = forms.FileField(
        label="Photo",
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": "image/*,.heic"}),
        error_messages={"required": "Choose a photo."},
    )
    collection = forms.CharField(required=False, max_length=1100, label="In")

    def clean_collection(self) -> str | None:
        """Return the path of the collection, None for all."""
        asked = self.cleaned_data["collection"]
        return _path(asked) if asked else None


def _path(asked: str) -> str:
    """Return the path of a collection's name; raise ValidationError for invalid names."""
    try:
        return CollectionName.parse(asked).path
    except InvalidName as refusal:
        raise forms.ValidationError(str(refusal)) from refusal
