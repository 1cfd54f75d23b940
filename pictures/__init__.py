"""Pictures as bytes: decoded within bounds and encoded again. No S3, no HTTP, no users here."""
