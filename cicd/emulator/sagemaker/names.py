"""What the front door is called, and where it is."""

from __future__ import annotations

NAME = "sagemaker"
PREFIX = f"/{NAME}"
"""Below which path AWS answers."""
