"""The way to S3 and DynamoDB: the only floor that imports boto3, botocore and PynamoDB.

Nothing here decides anything about uploads. Every failure that is not an answer leaves as
StorageUnavailable, and after a bounded time, so no caller meets an exception of the SDK or waits
for long.
"""
