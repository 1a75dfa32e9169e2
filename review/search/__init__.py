"""Who is in a photo: its faces against the known people and the stored clusters."""
