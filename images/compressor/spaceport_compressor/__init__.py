"""The compressor step: a trained splat model in, a folder that opens in a browser out."""
