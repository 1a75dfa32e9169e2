"""Assignments of clusters to profiles."""
