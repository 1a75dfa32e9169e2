"""Errors of vision: the class determines the outcome, the message is shown to users."""

from __future__ import annotations


class VisionError(Exception):
    """Base error of this package: `code` for programs, the message for users."""

    code = "vision_error"


class UnreadableImage(VisionError):
    """The image is damaged or cannot be decoded."""

    code = "unreadable_image"


class NotAnImage(VisionError):
    """The file is not an image."""

    code = "not_an_image"


class EmptyFile(VisionError):
    """The file is empty."""

    code = "empty_file"


class ImageTooLarge(VisionError):
    """The image exceeds a limit; `code` tells which: bytes, pixels or the length of a side."""

    code = "too_many_pixels"

    def __init__(self, message: str, *, code: str = "too_many_pixels") -> None:
        super().__init__(message)
        self.code = code


class ModelMissing(VisionError):
    """The file of a model is in none of the known locations."""

    code = "model_missing"


class ModelRefused(VisionError):
    """A file is not the expected model."""

    code = "model_refused"


class DownloadFailed(VisionError):
    """A model or an archive of photos could not be downloaded."""

    code = "download_failed"
