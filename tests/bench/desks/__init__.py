"""What the desks' work costs, one module a desk."""
