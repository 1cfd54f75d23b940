"""S3, DynamoDB, SQS and SNS on this machine: moto behind a front that refuses what AWS refuses.

moto stores every form that a browser posts, even one that its policy forbids. The front checks each
request first and then passes it to moto. ``front.py`` shows the way of a request, ``post.py`` the
upload by a form, ``policy.py`` what a POST policy means, ``operations.py`` what of S3 is done here
and not by moto, ``services.py`` the other services. For development and tests. This package imports
nothing of the product, so the two cannot share a mistake.
"""
