"""Pictures as bytes: decoded within bounds and encoded anew. Knows no S3, no HTTP and no users."""
