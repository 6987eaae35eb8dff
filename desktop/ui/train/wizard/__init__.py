"""The training wizard: from a folder of class folders to a plan that a training follows."""
