"""Structure from motion: drone photos in, a georeferenced COLMAP model with undistorted images out."""
