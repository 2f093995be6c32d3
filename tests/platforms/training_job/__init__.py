"""The training-job API as a platform."""
