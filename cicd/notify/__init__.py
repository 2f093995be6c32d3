"""Tells people what happened to a stage: what that is, and in which words, is decided by pure
functions; only ``sending`` speaks to anybody, and nothing that fails there fails anything else."""
