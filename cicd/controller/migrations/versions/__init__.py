"""One module for each step. What has been released is never changed."""
