"""``/v2/lm`` and ``/v2/inference``: what teams use, one module per noun."""
