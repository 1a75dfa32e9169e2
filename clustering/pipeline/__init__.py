"""The trip of a collection: list the bucket, read what is new, group the faces, switch, tidy up."""

from clustering.pipeline.batches import batch_claim, batch_work, batches_left
from clustering.pipeline.grouping_run import run_group
from clustering.pipeline.listing import run_list
from clustering.pipeline.tools import Tools

__all__ = ["Tools", "batch_claim", "batch_work", "batches_left", "run_group", "run_list"]
