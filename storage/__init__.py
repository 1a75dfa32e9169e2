"""Storage adapters: documents, vectors, buckets, pictures."""
