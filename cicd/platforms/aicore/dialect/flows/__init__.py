"""Metaflow flows, of which templates are made."""
