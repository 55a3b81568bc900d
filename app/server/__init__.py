"""One process that serves: sockets, signals, drain."""
