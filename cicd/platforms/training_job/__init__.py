"""The training-job API (the service that an operator called trainingClient spoke to) as a platform.

Scripts that train in a container: uploaded to the service's storage, run, followed, and the model
that they leave behind fetched.
"""
