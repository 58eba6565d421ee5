"""Housekeeping: removes what people have deleted, and exports projects, when other functions ask for it."""
