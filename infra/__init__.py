"""Deployment as code: one template, and the commands that apply, use and remove it.

Not a part of the product: nothing there imports it, and it calls AWS itself.
"""
