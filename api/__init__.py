"""The HTTP door: authentication, uploads, schemas, problem responses. Loads no model library, decodes no image."""
