"""The same ONNX model behind other servers, each set up as its own documentation recommends.

These modules run in an environment of their own (`make bench-peers`) and import nothing of this repository but `model`.
"""
