"""Uploads: multipart uploads of a capture's files into the uploads bucket."""
