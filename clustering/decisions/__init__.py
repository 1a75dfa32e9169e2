"""Reviewers' decisions: append-only event log, state folded from it, projection to documents."""
