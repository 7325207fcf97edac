"""What an operator runs against a deployed stack, by the AWS clients."""
