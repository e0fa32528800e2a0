"""The sample system's own tools: its images, its Git repository, its release, its baseline."""
