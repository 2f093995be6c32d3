"""What runs in the sandbox of a job, by the interpreter of its image: nothing here imports cicd."""
