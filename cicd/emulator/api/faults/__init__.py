"""Fault rules at work on requests and answers; what they are stands in ``emulator.faults``."""
