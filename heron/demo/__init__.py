"""Heron on one machine with nothing installed: `python -m heron.demo`.

In production systemd runs the same processes; see deploy/.
"""
