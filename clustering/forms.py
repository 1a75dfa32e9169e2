"""The form that starts a run from a page."""

from __future__ import annotations

from django import forms

from clustering.parameters import ALGORITHMS, RunParameters
from storage.errors import InvalidName
from storage.names import CollectionName


class RunForm(forms.Form):
    """A collection's name, and the commonly used parameters of a run."""

    collection = forms.CharField(
        max_length=500,
        label="Collection",
        help_text="bucket/folder",
        widget=forms.TextInput(attrs={"placeholder": "bucket/folder", "autocomplete": "off"}),
    )
    plain = forms.BooleanField(required=False, label="Plain algorithm, no refinement")
    full = forms.BooleanField(required=False, label="Read every photo again")
    skip_quality_filter = forms.BooleanField(required=False, label="Include low-quality faces")
    preview = forms.BooleanField(required=False, label="Preview only")
    eps = forms.FloatField(
        required=False,
        min_value=0.0001,
        max_value=2,
        label="Strictness",
        help_text="eps, a cosine distance; lower is stricter",
    )
    min_samples = forms.IntegerField(
        required=False, min_value=2, max_value=100, label="Minimum faces", help_text="min_samples"
    )
    algorithm = forms.ChoiceField(
        required=False, choices=[(name, name) for name in ALGORITHMS], label="Algorithm"
    )

    def clean_collection(self) -> CollectionName:
        """Return the parsed name of the collection."""
        try:
            return CollectionName.parse(self.cleaned_data["collection"].strip().strip("/"))
        except InvalidName as refusal:
            raise forms.ValidationError(str(refusal)) from refusal

    def parameters(self) -> RunParameters:
        """Return the valid form as the parameters of a run."""
        asked = {
            name: value for name, value in self.cleaned_data.items() if value not in (None, "")
        }
        asked.pop("collection")
        return RunParameters(refine=not asked.pop("plain"), **asked)
