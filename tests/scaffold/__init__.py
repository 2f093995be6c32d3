"""Projects of the platforms that are only there for tests."""
