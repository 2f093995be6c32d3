"""Sandboxes and processes: what really runs."""
