"""What `mkdocs build` runs: reference pages made from the code, and links into the repository."""
