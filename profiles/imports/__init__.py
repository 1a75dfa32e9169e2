"""Bulk import of known people: a job over the files of a zip, a bucket or a folder."""
