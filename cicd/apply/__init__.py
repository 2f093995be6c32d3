"""Makes a Plan true: order, parallelism, waiting, checking."""
