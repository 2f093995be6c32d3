"""What the command line must not show."""

from cicd.masking import Mask

MASK = Mask()
"""What of the environment and the command line this command must not show: what is called like a
secret, and what it has read."""
