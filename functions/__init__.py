"""The Lambda functions: one package per function, and what they share."""
