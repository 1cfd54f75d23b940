"""The product's settings, with more patience for AWS.

On a busy machine the embedded AWS may answer later than the product waits. The SDK then repeats
the request, and a conditional update is refused by the condition that it met itself: the services
allow for that (case 24), a test of the gateway alone cannot.
"""

from config.settings import *  # noqa: F403 (every setting but the two below)

AWS_READ_SECONDS = 60
AWS_CALL_SECONDS = 120
