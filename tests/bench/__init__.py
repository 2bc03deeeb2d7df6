"""What Heron costs, beside what others cost: `make bench`."""
