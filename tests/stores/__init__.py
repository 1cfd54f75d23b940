"""Stores that speak S3 but are not AWS: what they refuse, leave out or write otherwise.

Each is the embedded AWS behind a proxy that differs from it in one thing.
"""
