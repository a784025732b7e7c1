"""Secrets Manager, and nothing else: boto3 is imported only where a secret is read."""


def read(arn: str) -> str:
    """Return the current text of a secret."""
    import boto3  # two hundred milliseconds that an environment with DATABASE_URL does not pay

    text: str = boto3.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
    return text
