"""infra/: the template, the permissions it grants, and a deployment to ministack."""
