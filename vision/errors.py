"""What vision refuses, as classes: the class is the outcome, the message is for a person."""

from __future__ import annotations


class VisionError(Exception):
    """A refusal of this floor: `code` for programs, the message for people."""

    code = "vision_error"


class UnreadableImage(VisionError):
    """An image whose bytes are damaged or of a kind that cannot be decoded."""

    code = "unreadable_image"


class NotAnImage(VisionError):
    """Bytes that are no image at all."""

    code = "not_an_image"


class EmptyFile(VisionError):
    """A file without a byte in it."""

    code = "empty_file"


class ImageTooLarge(VisionError):
    """An image beyond a limit; `code` says which: bytes, pixels or one side."""

    code = "too_many_pixels"

    def __init__(self, message: str, *, code: str = "too_many_pixels") -> None:
        super().__init__(message)
        self.code = code


class ModelMissing(VisionError):
    """A model whose file is on none of the known places."""

    code = "model_missing"


class ModelRefused(VisionError):
    """A file that is not the model it claims to be."""

    code = "model_refused"


class DownloadFailed(VisionError):
    """A model or photo archive that could not be had."""

    code = "download_failed"
