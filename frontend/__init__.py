"""The web UI: Batchlight in a browser. It talks to the API over HTTP, through the client library."""
