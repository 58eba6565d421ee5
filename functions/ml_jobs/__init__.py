"""Jobs: start, watch and stop the way from photos to a model."""
