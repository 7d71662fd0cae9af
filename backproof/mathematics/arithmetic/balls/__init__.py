"""Ball arithmetic: values with a radius that bounds every rounding error."""
