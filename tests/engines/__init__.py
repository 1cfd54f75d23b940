"""One suite of what the product relies on, for every S3 and DynamoDB server that is at hand.

A plain run of the tests asks the embedded server; ``make test-engines`` starts others beside it.
"""
