"""Amazon SageMaker as a platform: jobs, models, and what serves them."""
