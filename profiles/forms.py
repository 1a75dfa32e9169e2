"""Forms of the pages about people: parse and bound, nothing else."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from profiles.documents import MAX_NAME, NAME_RULE, USER_ID_RULE, is_name, is_user_id


class PhotosInput(forms.FileInput):
    """A file input that takes several photos."""

    allow_multiple_selected = True

    def use_required_attribute(self, initial: Any) -> bool:
        """Allow an empty input in the browser: the camera's input may contain the photo."""
        return False


class PhotosField(forms.FileField):
    """One or several photos; the reader of the bytes rejects an empty file."""

    widget = PhotosInput(attrs={"accept": "image/*,.heic"})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_empty_file=True, **kwargs)

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        """Return the photos, each validated like a single file."""
        photos = data if isinstance(data, list | tuple) else [data]
        if len(photos) > settings.PHOTOS_AT_ONCE:
            raise forms.ValidationError(
                f"These are {len(photos)} photos; send {settings.PHOTOS_AT_ONCE} at a time."
            )
        return [super(PhotosField, self).clean(one, initial) for one in photos or [None]]


class NameForm(forms.Form):
    """The name of a person."""

    name = forms.CharField(
        required=False,
        max_length=MAX_NAME,
        label="Name",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean_name(self) -> str:
        """Return the name; reject line breaks and control characters."""
        name = str(self.cleaned_data["name"])
        if not is_name(name):
            raise forms.ValidationError(NAME_RULE)
        return name


class PhotosForm(forms.Form):
    """Photos of a person."""

    photos = PhotosField(
        label="Photos",
        error_messages={"required": "Choose a photo, drop one here or paste one."},
    )
    force = forms.BooleanField(required=False, label="Enrol anyway")
    is_doubted = False
    alike = ""  # the id of the person that the face looks like

    @property
    def offers_force(self) -> bool:
        """Say whether the form shows the box that overrides a doubt."""
        return self.is_doubted or bool(self["force"].value())

    def doubt(self, reason: str, *, alike: object = "") -> None:
        """Add an error to the photos that ``force`` overrides."""
        self.add_error("photos", reason)
        self.is_doubted = True
        self.alike = str(alike)


class ReferenceForm(PhotosForm):
    """More photos of a known person."""

    replace = forms.BooleanField(required=False, label="Replace all existing photos")


class EnrolmentForm(NameForm, PhotosForm):
    """A new person with their reference photos."""

    user_id = forms.CharField(
        max_length=64,
        label="User id",
        help_text="Letters, digits and _ . @ - ; cannot be changed later.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    taken = ""  # the id, if a profile has it already
    field_order = ("name", "user_id", "photos", "force")

    def clean_user_id(self) -> str:
        """Return a valid user id."""
        user_id = str(self.cleaned_data["user_id"])
        if not is_user_id(user_id):
            raise forms.ValidationError(USER_ID_RULE)
        return user_id
