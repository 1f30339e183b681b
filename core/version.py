"""The version of the server. The images have no package metadata to read it from."""

VERSION = "0.2.0"
