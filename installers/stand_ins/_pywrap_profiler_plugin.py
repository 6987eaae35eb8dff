"""Stands in for TensorFlow's profiler plugin, 80 MB that prepare pages for TensorBoard's profiler.

``import tensorflow`` asks for the module by name; its functions are only called by that profiler, which is no part of a
frozen Fovea. The frozen self-test trains with it.
"""
