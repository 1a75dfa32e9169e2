"""Responses about collections, runs, clusters and faces. They contain no vectors."""
