"""Webhooks: what happens to jobs, posted where their owners want it."""
