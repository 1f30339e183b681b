"""What every benchmark uses: servers, sizes, images, the load generator, results."""
