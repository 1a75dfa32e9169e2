"""Cluster the faces of a bucket into people: runs, decisions, and their pages and API."""
