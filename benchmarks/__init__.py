"""Timings of what must be fast, beside a plain way of doing the same."""
