"""One module per command; the only room that prints, reads the environment, exits."""
