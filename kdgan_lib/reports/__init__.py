"""Gather what the chapters state: rows of the stored runs as tables and sentences."""
