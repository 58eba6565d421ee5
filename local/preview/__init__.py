"""Runs the program with neither engine nor AWS, and shows what it registers."""
