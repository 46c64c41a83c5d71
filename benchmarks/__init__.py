"""One file a question. Each states its load and what it does not show, and prints JSON."""
