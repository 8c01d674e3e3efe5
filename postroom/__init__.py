"""The shell around the four packages: commands, demo, embedded server. Nothing imports it."""
