"""Spark as a platform."""
