"""Looks at what exists before a stack takes it over: whether it fits, and what updates would change."""
