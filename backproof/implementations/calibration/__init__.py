"""What elementary functions and operations of implementations err."""
