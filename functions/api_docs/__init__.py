"""The APIs' OpenAPI documents, as they are served."""
