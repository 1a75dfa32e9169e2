"""What a reviewer sees and does: pages, queues, decisions, undo, search by photo, people."""
