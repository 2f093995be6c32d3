"""A small platform that only tests have."""
