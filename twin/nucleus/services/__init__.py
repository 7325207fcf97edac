"""What a nucleus answers: one module for each group of operations."""
