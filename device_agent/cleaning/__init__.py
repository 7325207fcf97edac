"""What a value must be to count as measured."""
