"""Repositories fetched, and what their templates become."""
