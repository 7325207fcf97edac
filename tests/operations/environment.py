"""What an operator's shell holds."""

from twin.cloud import Deployment


def environment(deployment: Deployment) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": deployment.endpoint.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "NO_PROXY": "127.0.0.1",
    }
