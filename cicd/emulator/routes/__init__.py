"""One module per API family: request in, response out."""
