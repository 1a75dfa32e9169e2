"""The project: settings, routes, health, and the processes of the product."""
