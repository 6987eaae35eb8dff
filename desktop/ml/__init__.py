"""Training, calibration and export: the only package that imports Keras.

Code here is written against Keras 3 alone (``keras``, ``keras.ops``, ``keras.utils.PyDataset``); TensorFlow itself is
imported by :mod:`desktop.ml.convert.export_litert` only. Import :mod:`desktop.ml.nets.backend` before ``keras``.
"""
