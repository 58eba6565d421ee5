"""Restores a stack's tables and buckets, as they were at a moment, for a fresh stack to take over."""
