"""Known people by the folder: an import is a job over the files of a zip, a bucket or a folder."""
