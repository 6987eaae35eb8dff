"""More pictures than one computer answers: batches, evaluations and searches on a Ray cluster.

Ray is an extra (``pip install ".[cluster]"``) and is imported in this room alone, when a cluster is asked for. It
starts and ends the processes, says when one is lost, and moves what they are given and what they answer. What is asked,
and what has been answered, is Fovea's own: a job's folder (:mod:`desktop.cluster.job`) holds it, so that a job that was
cut off goes on exactly where it stopped.
"""
