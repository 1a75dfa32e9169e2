"""Where things are kept: documents, vectors, buckets, crops."""
