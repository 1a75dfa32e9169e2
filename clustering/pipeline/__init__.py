"""Steps of a run: list the bucket, read new photos, group the faces, switch runs, clean up."""

from clustering.context import PipelineContext
from clustering.pipeline.batches import claim_batch, has_open_batches, process_batch
from clustering.pipeline.group_run import group_run
from clustering.pipeline.list_bucket import list_bucket

__all__ = [
    "PipelineContext",
    "claim_batch",
    "group_run",
    "has_open_batches",
    "list_bucket",
    "process_batch",
]
