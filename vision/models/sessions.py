"""The only importer of onnxruntime; one cached session per process and model file.

Sessions are opened on first use, thread-safe, and opened again in a forked child.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import threading
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision.errors import ModelRefused

Shape = tuple[int | None, ...]


class Session:
    """A model file, opened on first use; None in a shape is a free dimension.

    Raises ModelRefused if the file cannot be opened, or has more than one input.
    """

    def __init__(self, path: Path, threads: int) -> None:
        self.path = path
        self.threads = threads
        self._lock = threading.Lock()
        self._opened: Any = None

    @property
    def input_name(self) -> str:
        """Return the name of the graph's only input."""
        return str(self._open().get_inputs()[0].name)

    @property
    def input_shape(self) -> Shape:
        """Return the declared shape of the input."""
        return _shape(self._open().get_inputs()[0])

    @property
    def output_names(self) -> tuple[str, ...]:
        """Return the names of the outputs, in the order of `run`."""
        return tuple(str(output.name) for output in self._open().get_outputs())

    @property
    def output_shapes(self) -> tuple[Shape, ...]:
        """Return the declared shapes of the outputs, in the order of `run`."""
        return tuple(_shape(output) for output in self._open().get_outputs())

    def run(self, array: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Return all outputs of the graph for one input array."""
        opened = self._open()
        try:
            return list(opened.run(None, {opened.get_inputs()[0].name: array}))
        except _runtime_errors() as error:
            raise ModelRefused(
                f"The model {self.path.name} does not take an input of shape {array.shape}."
            ) from error

    def _open(self) -> Any:
        if self._opened is None:
            with self._lock:
                if self._opened is None:
                    self._opened = _opened(self.path, self.threads)
        return self._opened

    def _forget(self) -> None:
        """Reset in a forked child: its copy of the session has lost its threads."""
        self._lock = threading.Lock()
        if self._opened is not None:
            # Destroying the copy would wait forever for threads that exist in the parent only.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._opened))
            self._opened = None


def open_session(path: Path, threads: int) -> Session:
    """Return the cached session of this process for a model file and number of threads."""
    key = (path.resolve(), threads)
    with _Registry.lock:
        return _Registry.sessions.setdefault(key, Session(*key))


class _Registry:
    lock = threading.Lock()
    sessions: dict[tuple[Path, int], Session] = {}  # noqa: RUF012 - one registry, never an instance


def _after_fork() -> None:
    _Registry.lock = threading.Lock()
    for session in _Registry.sessions.values():
        session._forget()


os.register_at_fork(after_in_child=_after_fork)


@cache
def _onnxruntime() -> ModuleType:
    """Import ONNX Runtime lazily: a process that only forks must not have its threads.

    Without ORT_DISABLE_TELEMETRY, releases from 1.29 on send telemetry to Microsoft from a thread
    that starts at import and keeps a forked child from terminating.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    return importlib.import_module("onnxruntime")


@cache
def _runtime_errors() -> tuple[type[Exception], ...]:
    """Return ONNX Runtime's exceptions, which have no common base class."""
    kinds = vars(_onnxruntime().capi.onnxruntime_pybind11_state).values()
    own = (kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Exception))
    return (*own, ValueError)


def _opened(path: Path, threads: int) -> Any:
    onnxruntime = _onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 3  # errors only: exports warn about every unused initialiser
    try:
        opened = onnxruntime.InferenceSession(
            str(path), sess_options=options, providers=["CPUExecutionProvider"]
        )
    except _runtime_errors() as error:
        raise ModelRefused(f"{path} is not a model that ONNX Runtime can open.") from error
    if len(opened.get_inputs()) != 1:
        raise ModelRefused(
            f"{path} wants {len(opened.get_inputs())} inputs; one image is expected."
        )
    return opened


def _shape(node: Any) -> Shape:
    return tuple(size if isinstance(size, int) else None for size in node.shape)
