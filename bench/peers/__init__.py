"""The same ONNX model behind other people's servers, each set up as its own documentation recommends.

These modules run in an environment of their own (`make bench-peers`), with nothing of ours but `model`.
"""
