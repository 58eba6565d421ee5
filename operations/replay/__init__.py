"""Runs one SageMaker job of a job again on this machine, from what it was given."""
