"""Brings data of the replaced system into the form that the program can adopt."""
