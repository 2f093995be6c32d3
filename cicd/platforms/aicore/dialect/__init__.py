"""What stage files of AI Core say."""

import cicd.config  # noqa: F401  (first: it still imports modules from here)
