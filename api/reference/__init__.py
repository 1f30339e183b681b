"""What the API reference (`/docs`, `/openapi.json`) says beside the schemas: errors, headers, bodies."""
