"""The pages about people and their clusters."""
