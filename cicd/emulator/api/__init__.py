"""One module per API family: request in, reply out; ``table`` lists them all."""
