"""Hold the parts of the one loop: schedule, state, checkpoints, scores, guards."""
