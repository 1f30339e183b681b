"""What Batchlight is compared with, and the benchmarks that compare; these modules run in Batchlight's environment."""
