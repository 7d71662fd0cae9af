"""What is compared with what, and where it is found."""
