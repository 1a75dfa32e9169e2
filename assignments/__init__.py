"""Which profile a cluster belongs to, and who decided."""
