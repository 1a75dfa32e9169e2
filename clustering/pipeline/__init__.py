"""Steps of a run: list the bucket, read new photos, group the faces, switch runs, clean up."""
