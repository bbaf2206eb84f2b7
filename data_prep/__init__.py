"""Fetch, verify and prepare the book's data sets: `python -m data_prep mnist`."""
