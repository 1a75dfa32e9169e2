"""Search by photo: compare its faces with the profiles and the stored clusters."""
