"""S3 and DynamoDB on this machine: moto's server behind a front that refuses what S3 refuses.

moto stores whatever a browser posts, whatever the policy said. The front checks first, then hands
on. Read `front.py` for the way of a request, `post.py` for the form upload, `policy.py` for what a
POST policy means. For development and tests. It imports nothing of the product, so that a mistake
in the product cannot be in what judges it as well.
"""
