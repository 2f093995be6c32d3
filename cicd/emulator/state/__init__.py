"""What is kept: the database, objects, credentials, the clock and what was chosen."""
