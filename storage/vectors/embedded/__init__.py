"""The embedded vector store: one server process that owns the files, and its clients."""
