"""Stage file in, Stage out: everything about files that people write."""
