"""The project: settings, routes, health, the processes it runs as."""
