"""infra/: the template, what it grants, and a deployment to an AWS that nobody here wrote."""
