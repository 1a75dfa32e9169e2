"""Answers about collections, runs, clusters, faces and stores. None contains a vector."""
