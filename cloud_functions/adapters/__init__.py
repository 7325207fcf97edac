"""The only door to boto3 in the cloud."""
