"""The APIs' OpenAPI documents: one file each, written from the routes' own types."""
