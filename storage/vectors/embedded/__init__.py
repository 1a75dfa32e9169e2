"""The embedded vector store: one owning process, and the clients that ask it."""
