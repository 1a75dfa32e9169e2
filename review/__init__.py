"""Reviewer's pages and API: queues, decisions, undo, search by photo, people."""
