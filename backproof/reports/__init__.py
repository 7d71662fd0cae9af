"""The reports: views of one table of rows. A format is one file, with its name and render."""
