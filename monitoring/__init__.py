"""What looks at the engine: health, numbers, single jobs. It reads, and claims nothing."""
