"""What requests about collections, runs, clusters and faces are answered with. Never a vector."""
