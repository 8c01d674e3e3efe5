"""The web process: the application, who may ask it, and what a browser is told."""
