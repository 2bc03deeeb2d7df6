"""Streams under load: the client, the servers it is pointed at, and what is measured of them."""
