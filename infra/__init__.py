"""Deployment as code: one template, and the commands that apply, use and remove it.

Outside of the product, so it talks to AWS directly; nothing in the product imports it.
"""
