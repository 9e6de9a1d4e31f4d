"""The product behind its web server, with one more endpoint: a constant."""
