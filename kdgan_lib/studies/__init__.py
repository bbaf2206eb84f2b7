"""Compute what the chapters show beside the runs: toys, estimators, gradients."""
