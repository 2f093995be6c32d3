"""How the database came to be as it is, step by step; ``database`` takes those that are missing."""

NEWEST = "0001"
