"""Neural networks written by hand in NumPy, each from the article that its file names."""
