"""The views: one module for each screen of the web UI and for its larger sections."""
