"""A dialect, for tests, that says only what stage files look like; there is no platform to it."""
