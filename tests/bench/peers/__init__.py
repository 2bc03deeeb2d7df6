"""The others, each as its own documentation sets it up."""
