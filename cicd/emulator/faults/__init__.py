"""Fault rules: the emulator fails on purpose. ``gateway`` asks ``judge`` at every request."""
