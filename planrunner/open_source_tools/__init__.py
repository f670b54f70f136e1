"""Names that Python callers import for the tools that come with planrunner."""
